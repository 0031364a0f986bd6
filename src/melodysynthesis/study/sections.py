"""The report's contents: tables, plots and examples in sections, before they become HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from melodysynthesis.evaluation import plotting
from melodysynthesis.evaluation.breakdown import BREAKDOWNS
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.statistics import Interval
from melodysynthesis.evaluation.structure import STRUCTURE, mean_likeness
from melodysynthesis.music import Melody
from melodysynthesis.study import plots
from melodysynthesis.study.aggregate import HUMANS, Entrant, StudyResults
from melodysynthesis.study.evaluate import DISTINCT
from melodysynthesis.study.plots import Mark
from melodysynthesis.study.report_parts import (
    Chart,
    Examples,
    MelodyExample,
    ReportCell,
    ReportRow,
    ReportSection,
    ReportTable,
)
from melodysynthesis.study.summary import CRITIC, CRITIC_GOAL, FRECHET, TONIC

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = 16
"""Side of a structure matrix."""
EXAMPLE_BARS = (8, 16)
"""Least and most bars of an example."""
MOST_EXAMPLES = 8
"""None of them is a human melody: those are their collections' to print."""
HUMAN_MARK = Mark("human", 0)


def sections(found: StudyResults) -> list[ReportSection]:
    """All sections that have something to show."""
    made = [make(found) for make in SECTIONS]
    return [section for section in made if section.parts]


def marks_of(found: StudyResults) -> dict[Entrant, Mark]:
    """How each entrant is drawn: one colour for a model, hollow in every encoding but the plan's first."""
    models, first = list(found.plan.models), next(iter(found.plan.encodings))
    return {
        entrant: Mark(entrant.label, 1 + models.index(entrant.model), entrant.encoding != first)
        for entrant in found.entrants
    }


def _chart(name: str, drawn: Figure, caption: str) -> Chart:
    return Chart(name, plotting.svg(drawn, name), caption)


def _prediction(found: StudyResults) -> ReportSection:
    marks, best = marks_of(found), found.ranked[0]
    rows = []
    for entrant in found.ranked:
        more = found.against_best.get(entrant)
        p = f"p {more.p:.4f}" if more and more.p < 0.01 else f"p {more.p:.2f}" if more else ""
        cells = [
            ReportCell(entrant.label, f"{len(entrant.seeds)} seed{'s' * (len(entrant.seeds) > 1)}"),
            _cell(found.bits[entrant], ".3f"),
            ReportCell(_number(found.spread(entrant), ".3f")),
            _cell(more.difference, "+.3f") if more else ReportCell("–"),
            ReportCell(f"{more.effect.value:.2f}", p) if more else ReportCell("–"),
            _cell(found.score(entrant, "phrase bits per note"), ".3f")
            if entrant.encoding == "event"
            else ReportCell("not encoded"),
            ReportCell(_number(found.score(entrant, "accuracy").value, ".1%")),
            ReportCell(_number(found.score(entrant, "calibration error").value, ".1%")),
        ]
        rows.append(ReportRow(cells, marks[entrant], entrant is best))
    header = ["", "bits per note", "s.d. over seeds", "more than the best", "effect (Cohen's d)",
              "phrase marks, bits per note", "accuracy", "calibration error"]  # fmt: skip
    drawn = plots.forest(
        [(marks[e], found.bits[e], [v for v, _, _ in found.by_seed(e, "bits per note")]) for e in found.ranked],
        "bits per note on held-out tunes: lower is better",
    )
    return ReportSection(
        "Prediction",
        "Bits per note measure how well a model predicts a held-out tune: the information that it still needs to write "
        "down pitches, rests, durations, length and end, when tonic and meter are given. This is the only likelihood "
        "that can be compared across encodings.",
        [
            _chart("prediction", drawn, "A dot is the mean over seeds, a line its 95 % interval over seeds and tunes, "
                   "a stroke a single seed. Hollow dots: the other encoding."),
            ReportTable(header, rows, "Differences from the best model are paired by tune, over the tunes that both "
                        "encodings can represent; p is corrected for the number of comparisons by Holm's method. "
                        "Accuracy counts every token and can't be compared across encodings."),
        ],
    )  # fmt: skip


def _breakdowns(found: StudyResults) -> ReportSection:
    marks, panels = marks_of(found), []
    for name, (groups, _) in BREAKDOWNS.items():
        values = {
            entrant: [found.score(entrant, f"bits by {name}: {group}").value for group in groups]
            for entrant in found.ranked
        }
        known = [n for n in range(len(groups)) if any(isfinite(of[n]) for of in values.values())]
        several = [(marks[entrant], [of[n] for n in known]) for entrant, of in values.items()]
        if known:
            panels.append((name, [groups[n] for n in known], several))
    text = ("Bits per note for different kinds of notes. They show whether a model uses the key, the meter and the "
            "phrase, and how much it gains from the notes before.")  # fmt: skip
    if not panels:
        return ReportSection("Surprise", text)
    caption = "Bits of a note count its pitch, its duration and the rest after it. A line joins one model's values."
    return ReportSection("Surprise", text, [_chart("surprise", plots.profiles(panels, "bits per note"), caption)])


def _training(found: StudyResults) -> ReportSection:
    marks = marks_of(found)
    trained = [entrant for entrant in found.entrants if not entrant.is_counted]
    panels = []
    for encoding in found.plan.encodings:
        curves = [
            (marks[entrant], *found.course(entrant, metric, seed), style)
            for entrant in trained
            if entrant.encoding == encoding
            for seed in entrant.seeds
            for metric, style in (("history: loss", "-"), ("history: train loss", "--"))
        ]
        known = [curve for curve in curves if len(curve[1])]
        if known:
            panels.append((f"trained on {encoding}", known))
    batches = found.plan.judging.batches
    header = ["", "parameters", "tokens seen", "training, s", *(f"step of {batch}, µs" for batch in batches)]
    rows = []
    for entrant in found.ranked:
        costs = [found.score(entrant, metric).value for metric in ("parameters", "tokens seen", "training seconds")]
        costs += [found.score(entrant, "step", float(batch)).value for batch in batches]
        cells = [ReportCell(entrant.label), *(ReportCell(_number(cost, ",.0f")) for cost in costs)]
        rows.append(ReportRow(cells, marks[entrant]))
    table = ReportTable(
        header,
        rows,
        "Training seconds depend on the machine and on what else ran there. A step is one token for each of 1 or more "
        "melodies; its time is processor time and includes the encoding's work.",
    )
    caption = ("Loss in nats per token: solid on validation tunes, dashed on training tunes, one line for each seed. "
               "Losses can't be compared across encodings.")  # fmt: skip
    charts = [_chart("training", plots.lines(panels, "epoch", "nats per token"), caption)] if panels else []
    return ReportSection(
        "Training",
        f"Every trained model sees {found.plan.budget.tokens:,} tokens, within {found.plan.budget.tolerance:.0%}, "
        "whatever its encoding. Baselines count the training tunes once; their parameters are counts.",
        [*charts, table],
    )


def _human_likeness(found: StudyResults) -> ReportSection:
    marks, rows = marks_of(found), []
    by_distance = sorted(found.entrants, key=lambda e: _last(found.score(e, FRECHET, found.at).value))
    for entrant in by_distance:
        critic, outside = found.score(entrant, CRITIC, found.at), found.outside(entrant)
        cells = [
            ReportCell(entrant.label),
            _cell(found.score(entrant, FRECHET, found.at), ".2f"),
            _cell(found.score(entrant, f"people's {FRECHET}", found.at), ".2f"),
            _cell(critic, ".2f")._replace(out=critic.value > CRITIC_GOAL),
            ReportCell(f"{len(NAMES) - len(outside)} of {len(NAMES)}", out=bool(outside)),
            _cell(found.mean(entrant, TONIC), ".0%")._replace(out=not found.is_inside(entrant, TONIC)),
            _cell(found.score(entrant, "percentile: rhythm", found.at), ".0f"),
            ReportCell(_number(found.score(entrant, f"distinct runs of {DISTINCT} notes", found.at).value, ".0%")),
        ]
        rows.append(ReportRow(cells, marks[entrant]))
    human = [_cell(found.mean(HUMANS, TONIC), ".0%"), ReportCell("50"), ReportCell("")]
    rows.append(ReportRow([ReportCell("human"), *[ReportCell("")] * 4, *human], HUMAN_MARK))
    header = ["", "Frechet distance", "the same of human melodies", "critic, AUC", "descriptors in the band",
              "end on the tonic", "shared run, percentile", "distinct runs"]  # fmt: skip
    parts: list[ReportTable | Chart | Examples] = [
        ReportTable(header, rows, "Frechet distance: how far all figures together are from human melodies, and how far "
                    "as many other human melodies are. Critic: area under the ROC curve of a classifier that tells the "
                    "model's melodies from human ones; 0.5 is guessing. Descriptors in the band: how many of the 17 "
                    "means lie within the 95 % band of human means. Shared run: how long the longest run of notes is "
                    "that a melody shares with a training tune, as a percentile of what held-out tunes share. Distinct "
                    f"runs: share of different runs of {DISTINCT} notes. Coloured: outside the human band, or past the "
                    "goal."),
    ]  # fmt: skip
    known = [e for e in by_distance if isfinite(found.score(e, CRITIC, found.at).value)]
    if known:
        of_seeds = {e: [value for value, _, _ in found.by_seed(e, CRITIC, found.at)] for e in known}
        drawn = plots.forest(
            [(marks[e], found.score(e, CRITIC, found.at), of_seeds[e]) for e in known],
            "critic's area under the ROC curve: 0.5 is guessing, the dashed line is the goal",
            goal=CRITIC_GOAL,
        )
        caption = "How well a critic tells a model's melodies from human melodies of the same length."
        parts.append(_chart("critic", drawn, caption))
    return ReportSection(
        "Human-likeness",
        f"Each trial wrote {found.plan.judging.melodies} melodies at temperature {found.at:g}, in the meters of "
        "held-out tunes. They are compared with the validation and test tunes, which are human melodies that no model "
        "has learned from.",
        parts,
    )


def _descriptors(found: StudyResults) -> ReportSection:
    marks = marks_of(found)

    def panel(name: str) -> tuple[str, tuple[float, float], list[tuple[Mark, plots.Floats, float]]]:
        rows = [(HUMAN_MARK, found.each(HUMANS, f"figure: {name}").ravel(), found.mean(HUMANS, name).value)]
        for entrant in found.ranked:
            values = found.each(entrant, f"figure: {name}").ravel()
            rows.append((marks[entrant], values, float(np.nanmean(values)) if np.isfinite(values).any() else np.nan))
        return name, found.band(found.ranked[0], name), rows

    of_structure = [TONIC, "Bars Repeated", "Phrase Variety", *list(STRUCTURE)[:9]]
    caption = (
        "Behind each curve, in grey, is the density of human melodies. The upright band holds 95 % of the means of as "
        "many human melodies; the short stroke is the model's mean."
    )
    return ReportSection(
        "Descriptors",
        "The 17 descriptors of the original study, and figures of structure. A higher value is not a better one: what "
        "counts is whether a model's melodies are distributed as human melodies are.",
        [
            _chart("descriptors", plots.densities([panel(name) for name in NAMES]), caption),
            _chart("structure-figures", plots.densities([panel(name) for name in of_structure]), caption),
        ],
    )


def _diversity(found: StudyResults) -> ReportSection:
    title = "Quality and diversity"
    temperatures = sorted(found.plan.judging.temperatures)
    marks, series = marks_of(found), []
    for entrant in found.ranked if len(temperatures) > 1 else ():
        points = []
        for at in temperatures:
            distinct = found.score(entrant, f"distinct runs of {DISTINCT} notes", at).value
            critic = found.score(entrant, CRITIC, at).value
            if isfinite(distinct) and isfinite(critic):
                points.append((distinct, critic, f"{at:g}"))
        if points:
            series.append((marks[entrant], points))
    if not series:
        return ReportSection(title, "")
    drawn = plots.curves(
        series,
        f"distinct runs of {DISTINCT} notes (share): more varied to the right",
        "critic's area under the curve: more human below",
    )
    return ReportSection(
        title,
        "At a low temperature a model writes safe and similar melodies, at a high one it varies more and errs more. "
        "Each curve joins the plan's temperatures.",
        [_chart("diversity", drawn, "Of two models with equally varied melodies, the lower curve is better.")],
    )  # fmt: skip


def _structure(found: StudyResults) -> ReportSection:
    marks = marks_of(found)
    panels = [(HUMAN_MARK, mean_likeness(found.melodies(HUMANS), BARS))]
    panels += [(marks[entrant], mean_likeness(found.melodies(entrant), BARS)) for entrant in found.ranked]
    diagonal = np.eye(BARS, dtype=np.bool_)
    bare = [(mark, np.where(diagonal, np.nan, table)) for mark, table in panels]
    return ReportSection(
        "Structure",
        "How similar each bar is to each other bar of the same melody, on average. A line parallel to the diagonal "
        "shows that material returns after so many bars.",
        [
            _chart("structure", plots.matrices(bare, 5, 1.5), f"Bars 1 to {BARS} from the upper left; a fuller colour "
                   "means more similar bars, on one scale for all models. First seed."),
        ],
    )  # fmt: skip


def _confusions(found: StudyResults) -> ReportSection:
    marks, panels, edges = marks_of(found), [], []
    for entrant in found.ranked:
        matrix = found.confusion(entrant)
        table = np.zeros((len(matrix["labels"]), len(matrix["labels"])))
        for true, predicted, share in matrix["cells"]:
            table[true, predicted] = share
        panels.append((marks[entrant], table))
        edges.append([n for n, group in enumerate(matrix["groups"]) if n and group != matrix["groups"][n - 1]])
    return ReportSection(
        "Confusion",
        "Which token a model predicts for which true token. Each row is a true token, and its predictions are spread "
        "along the row. Lines separate marks, holds, rests, pitches and durations.",
        [
            _chart("confusion", plots.matrices(panels, 4, 0.5, edges), "A fuller colour is a larger share; this is the "
                   "square root of the share, so that rare confusions can be seen. First seed."),
        ],
    )  # fmt: skip


def _examples(found: StudyResults) -> ReportSection:
    examples = []
    for entrant in sorted(found.ranked, key=lambda entrant: entrant.is_counted)[:MOST_EXAMPLES]:
        melody = _first_of_length(found.melodies(entrant))
        if melody is not None:
            about = f"{len(melody.notes)} notes, temperature {found.at:g}"
            examples.append(MelodyExample(f"{entrant.label}, seed {entrant.seeds[0]}", about, melody))
    least, most = EXAMPLE_BARS
    return ReportSection(
        "Examples",
        f"For each model the first melody that has {least} to {most} bars. They were not chosen by ear.",
        [Examples(examples)] if examples else [],
    )


def _first_of_length(melodies: Sequence[Melody]) -> Melody | None:
    """The first melody of a length that fits a page."""
    least, most = EXAMPLE_BARS
    return next((m for m in melodies if m.notes and least <= sum(bar.number > 0 for bar in m.bars()) <= most), None)


SECTIONS: tuple[Callable[[StudyResults], ReportSection], ...] = (
    _prediction, _breakdowns, _training, _human_likeness, _descriptors, _diversity, _structure, _confusions, _examples,
)  # fmt: skip


def facts(found: StudyResults) -> Iterator[tuple[str, str]]:
    """The plan in a few figures, for the top of the report."""
    plan = found.plan
    yield "corpus", plan.corpus
    yield "models", f"{len({entrant.model for entrant in found.entrants})}"
    yield "encodings", ", ".join(plan.encodings)
    seeds = {name: ", ".join(map(str, encoding.seeds or plan.seeds)) for name, encoding in plan.encodings.items()}
    same = len(set(seeds.values())) == 1
    yield "seeds", next(iter(seeds.values())) if same else "; ".join(f"{name} {of}" for name, of in seeds.items())
    yield "tokens for each model", f"{plan.budget.tokens / 1e6:.3g} million"
    yield "melodies evaluated", f"{plan.judging.melodies * sum(len(entrant.seeds) for entrant in found.entrants):,}"


def _cell(interval: Interval, form: str) -> ReportCell:
    small = f"{interval.low:{form}} to {interval.high:{form}}" if isfinite(interval.low + interval.high) else ""
    return ReportCell(_number(interval.value, form), small)


def _number(value: float, form: str) -> str:
    return format(value, form) if isfinite(value) else "–"


def _last(value: float) -> float:
    return value if isfinite(value) else float("inf")
