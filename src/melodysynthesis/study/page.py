"""The report's contents: tables, plots and scores in sections, made of findings, before they are HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

import numpy as np

from melodysynthesis.evaluation.breakdown import BREAKDOWNS
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.statistics import Interval
from melodysynthesis.evaluation.structure import STRUCTURE, mean_likeness
from melodysynthesis.music import Melody
from melodysynthesis.study import charts
from melodysynthesis.study.charts import Mark
from melodysynthesis.study.findings import HUMANS, Entrant, Findings
from melodysynthesis.study.judge import DISTINCT
from melodysynthesis.study.verdict import CRITIC, CRITIC_GOAL, FRECHET, TONIC

BARS = 16
"""Side of a structure matrix."""
SHOWN_BARS = (8, 16)
"""A score that is shown has between so many bars."""
SCORES = 8
"""At most so many are shown: none of people's, which are their collections' to print."""
PEOPLE_MARK = Mark("people", 0)


class Cell(NamedTuple):
    """Text of a table's cell, a smaller line below it, and whether it stands out as outside of people's band."""

    text: str
    small: str = ""
    out: bool = False


class TableRow(NamedTuple):
    """A row: its cells, the entrant's mark, and whether it is the best."""

    cells: Sequence[Cell]
    mark: Mark | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table."""

    header: Sequence[str]
    rows: Sequence[TableRow]
    caption: str = ""
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot; `name` is for its file."""

    name: str
    svg: str
    caption: str
    kind: str = "chart"


@dataclass(frozen=True, slots=True)
class Score:
    """A melody to be seen and heard."""

    title: str
    about: str
    melody: Melody


@dataclass(frozen=True, slots=True)
class Scores:
    """Some melodies."""

    scores: Sequence[Score]
    kind: str = "scores"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report."""

    title: str
    text: str
    parts: Sequence[Table | Chart | Scores] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """For links."""
        return self.title.lower().replace(" ", "-")


def sections(found: Findings) -> list[Section]:
    """All sections that have something to show."""
    made = [make(found) for make in SECTIONS]
    return [section for section in made if section.parts]


def marks_of(found: Findings) -> dict[Entrant, Mark]:
    """How each entrant is drawn: a colour a model, hollow in every encoding but the plan's first."""
    models, first = list(found.plan.models), next(iter(found.plan.encodings))
    return {
        entrant: Mark(entrant.label, 1 + models.index(entrant.model), entrant.encoding != first)
        for entrant in found.entrants
    }


def _prediction(found: Findings) -> Section:
    marks, best = marks_of(found), found.ranked[0]
    rows = []
    for entrant in found.ranked:
        apart = found.against_best.get(entrant)
        cells = [
            Cell(entrant.label, f"{len(entrant.seeds)} seed{'s' * (len(entrant.seeds) > 1)}"),
            _cell(found.bits[entrant], ".3f"),
            Cell(_number(found.spread(entrant), ".3f")),
            _cell(apart.difference, "+.3f") if apart else Cell("–"),
            Cell(f"{apart.effect.value:.2f}", f"p {apart.p:.4f}" if apart.p < 0.01 else f"p {apart.p:.2f}")
            if apart else Cell("–"),
            _cell(found.score(entrant, "phrase bits per note"), ".3f")
            if entrant.encoding == "event" else Cell("not said"),
            Cell(_number(found.score(entrant, "accuracy").value, ".1%")),
            Cell(_number(found.score(entrant, "calibration error").value, ".1%")),
        ]  # fmt: skip
        rows.append(TableRow(cells, marks[entrant], entrant is best))
    header = ["", "bits per note", "s.d. of seeds", "more than the best", "effect (d)", "phrase marks", "accuracy",
              "calibration"]  # fmt: skip
    chart = charts.forest(
        [(marks[e], found.bits[e], [v for v, _, _ in found.by_seed(e, "bits per note")]) for e in found.ranked],
        "bits per note on held-out tunes: less is better",
    )
    return Section(
        "Prediction",
        "What it costs to write a held-out tune down, in bits per note: pitches, rests, durations, length and end, "
        "with tonic and meter given. The only likelihood that can be compared across encodings.",
        [
            Chart("prediction", chart, "Points are means over seeds, lines 95 % intervals over seeds and tunes, ticks "
                  "single seeds. Hollow: another encoding."),
            Table(header, rows, "Differences are paired by tune, on tunes that both can say; p is corrected by Holm's "
                  "method. Accuracy counts every token and can't be compared across encodings."),
        ],
    )  # fmt: skip


def _surprise(found: Findings) -> Section:
    marks, panels = marks_of(found), []
    for name, (parts, _) in BREAKDOWNS.items():
        values = {
            entrant: [found.score(entrant, f"bits by {name}: {part}").value for part in parts]
            for entrant in found.ranked
        }
        known = [n for n in range(len(parts)) if any(isfinite(of[n]) for of in values.values())]
        several = [(marks[entrant], [of[n] for n in known]) for entrant, of in values.items()]
        if known:
            panels.append((name, [parts[n] for n in known], several))
    chart = charts.profiles(panels, "bits per note by place")
    return Section(
        "Surprise",
        "Bits per note by what a note is: where a model hears the key, the meter and the phrase, and how much it gains "
        "from what it has heard.",
        [Chart("surprise", chart, "Bits of a note: its pitch and duration, and the rest after it. Lines join what "
               "belongs to one model.")] if panels else [],
    )  # fmt: skip


def _training(found: Findings) -> Section:
    marks = marks_of(found)
    trained = [entrant for entrant in found.entrants if not entrant.is_counted]
    panels = []
    for encoding in found.plan.encodings:
        curves = []
        for entrant in trained:
            for seed in entrant.seeds if entrant.encoding == encoding else ():
                for metric, dashed in (("history: loss", False), ("history: train loss", True)):
                    places, values = found.course(entrant, metric, seed)
                    if len(places):
                        curves.append((marks[entrant], places, values, dashed))
        if curves:
            panels.append((encoding, curves))
    if not panels:
        return Section("Training", "")
    header = ["", "parameters", "tokens seen", "training, s", *(f"step of {b}, µs" for b in found.plan.judging.batches)]
    rows = []
    for entrant in found.ranked:
        costs = [found.score(entrant, name).value for name in ("parameters", "tokens seen", "training seconds")] + [
            found.score(entrant, "step", float(batch)).value for batch in found.plan.judging.batches
        ]
        rows.append(TableRow([Cell(entrant.label), *(Cell(_number(cost, ",.0f")) for cost in costs)], marks[entrant]))
    return Section(
        "Training",
        f"Every trained model may see {found.plan.budget.tokens:,} tokens, within {found.plan.budget.tolerance:.0%}, "
        "whatever its encoding. Baselines count the training tunes once; their parameters are counts.",
        [
            Chart("training", charts.lines(panels, "epoch", "nats per token"), "Loss in nats per token: full lines on "
                  "validation tunes, dashed on the training tunes; a line a seed. Not comparable across encodings."),
            Table(header, rows, "Seconds are of the machine that the study ran on, with whatever else ran there. "
                  "A step takes one token for each of so many melodies; it is told in time of one processor, the "
                  "encoding's context included."),
        ],
    )  # fmt: skip


def _people(found: Findings) -> Section:
    marks = marks_of(found)
    rows = []
    by_distance = sorted(found.entrants, key=lambda e: _last(found.score(e, FRECHET, found.at).value))
    for entrant in by_distance:
        critic = found.score(entrant, CRITIC, found.at)
        outside = found.outside(entrant)
        cells = [
            Cell(entrant.label),
            _cell(found.score(entrant, FRECHET, found.at), ".2f"),
            _cell(found.score(entrant, f"people's {FRECHET}", found.at), ".2f"),
            _cell(critic, ".2f")._replace(out=critic.value > CRITIC_GOAL),
            Cell(f"{len(NAMES) - len(outside)} of {len(NAMES)}", out=bool(outside)),
            _cell(found.mean(entrant, TONIC), ".0%")._replace(out=not found.is_inside(entrant, TONIC)),
            _cell(found.score(entrant, "percentile: rhythm", found.at), ".0f"),
            Cell(_number(found.score(entrant, f"distinct runs of {DISTINCT} notes", found.at).value, ".0%")),
        ]
        rows.append(TableRow(cells, marks[entrant]))
    people = found.mean(HUMANS, TONIC)
    rows.append(TableRow([Cell("people"), *[Cell("")] * 4, _cell(people, ".0%"), Cell("50"), Cell("")], PEOPLE_MARK))
    header = ["", "Frechet", "people's", "critic, AUC", "descriptors", "end on tonic", "originality", "different runs"]
    known = [e for e in by_distance if isfinite(found.score(e, CRITIC, found.at).value)]
    parts: list[Table | Chart | Scores] = [
        Table(header, rows, "Frechet distance of all figures from people's, beside that of other people; a critic's "
              "area under the curve, 0.5 for guessing; means of the 17 descriptors inside people's 95 % band; "
              "percentile among held-out tunes of the longest run that stands in a training tune; different runs "
              "of eight notes. Coloured: outside people's band, or past the goal.")
    ]  # fmt: skip
    if known:
        forest = charts.forest(
            [(marks[e], found.score(e, CRITIC, found.at), _values(found, e, CRITIC)) for e in known],
            "critic's area under the curve: 0.5 is guessing, the dashed line the goal", goal=CRITIC_GOAL,
        )  # fmt: skip
        parts.append(Chart("critic", forest, "How well a critic tells melodies from people's of equal length."))
    return Section(
        "Nearness to people",
        f"{found.plan.judging.melodies} melodies of each trial at temperature {found.at:g}, in the meters of held-out "
        "tunes, beside the validation and test tunes.",
        parts,
    )


def _descriptors(found: Findings) -> Section:
    marks = marks_of(found)

    def panel(name: str) -> tuple[str, tuple[float, float], list[tuple[Mark, charts.Floats, float]]]:
        rows = [(PEOPLE_MARK, found.each(HUMANS, f"figure: {name}").ravel(), found.mean(HUMANS, name).value)]
        for entrant in found.ranked:
            values = found.each(entrant, f"figure: {name}").ravel()
            rows.append((marks[entrant], values, float(np.nanmean(values)) if np.isfinite(values).any() else np.nan))
        return name, found.band(found.ranked[0], name), rows

    richer = [TONIC, "Bars Repeated", "Phrase Variety", *list(STRUCTURE)[:9]]
    caption = (
        "The shade behind each is people's density, the upright band where 95 % of means of as many of people's "
        "melodies lie, the short stroke the model's mean."
    )
    return Section(
        "Descriptors",
        "The 17 descriptors of the original study, and figures of structure: none is better for being higher; what "
        "counts is whether a model's melodies are spread as people's are.",
        [
            Chart("descriptors", charts.ridges([panel(name) for name in NAMES]), caption),
            Chart("structure-figures", charts.ridges([panel(name) for name in richer]), caption),
        ],
    )


def _daring(found: Findings) -> Section:
    temperatures = sorted(found.plan.judging.temperatures)
    if len(temperatures) < 2:
        return Section("Quality and diversity", "")
    marks, series = marks_of(found), []
    for entrant in found.ranked:
        points = []
        for at in temperatures:
            variety = found.score(entrant, f"distinct runs of {DISTINCT} notes", at).value
            critic = found.score(entrant, CRITIC, at).value
            if isfinite(variety) and isfinite(critic):
                points.append((variety, critic, f"{at:g}"))
        if points:
            series.append((marks[entrant], points))
    chart = charts.curves(series, f"different runs of {DISTINCT} notes (more is more various)",
                          "critic's area under the curve (less is more human)")  # fmt: skip
    return Section(
        "Quality and diversity",
        "A colder model plays safe, a hotter one varies more. Each curve goes through the plan's temperatures.",
        [Chart("diversity", chart, "A model is better where its curve is lower at the same variety.")]
        if series
        else [],
    )


def _structure(found: Findings) -> Section:
    marks = marks_of(found)
    panels = [(PEOPLE_MARK, mean_likeness(found.melodies(HUMANS), BARS))]
    panels += [(marks[entrant], mean_likeness(found.melodies(entrant), BARS)) for entrant in found.ranked]
    return Section(
        "Structure",
        "How like each bar is to each other bar of the same melody, on average: lines beside the diagonal are what "
        "returns after so many bars.",
        [Chart("structure", charts.matrices(panels, caption="likeness of bars"),
               f"Bars 1 to {BARS}, from the upper left; fuller is more alike, on one scale for all. First seed.")],
    )  # fmt: skip


def _confusions(found: Findings) -> Section:
    marks, panels = marks_of(found), []
    for entrant in found.ranked:
        told = found.confusion(entrant)
        edges = [place for place, group in enumerate(told["groups"]) if place and group != told["groups"][place - 1]]
        cells = [(true, predicted, share) for true, predicted, share in told["cells"]]
        panels.append((marks[entrant], len(told["labels"]), cells, edges))
    return Section(
        "Confusion",
        "What was predicted for what: a row a true token, its predictions shared out along it; marks, holds, rests, "
        "pitches and durations are parted by lines.",
        [Chart("confusion", charts.sparse_matrices(panels), "The fuller, the larger the share; shades are of its "
               "square root, since rare confusions are what one looks for. First seed.")],
    )  # fmt: skip


def _examples(found: Findings) -> Section:
    scores = []
    for entrant in sorted(found.ranked, key=lambda entrant: entrant.is_counted)[:SCORES]:
        melody = _first_of_length(found.melodies(entrant))
        if melody is not None:
            about = f"{len(melody.notes)} notes, temperature {found.at:g}"
            scores.append(Score(f"{entrant.label}, seed {entrant.seeds[0]}", about, melody))
    return Section(
        "Examples",
        f"Not chosen by ear: of each, the first melody of {SHOWN_BARS[0]} to {SHOWN_BARS[1]} bars.",
        [Scores(scores)] if scores else [],
    )


def _first_of_length(melodies: Sequence[Melody]) -> Melody | None:
    """The first melody of a length that fits a page."""
    least, most = SHOWN_BARS
    return next((m for m in melodies if m.notes and least <= sum(bar.number > 0 for bar in m.bars()) <= most), None)


SECTIONS: tuple[Callable[[Findings], Section], ...] = (
    _prediction, _surprise, _training, _people, _descriptors, _daring, _structure, _confusions, _examples,
)  # fmt: skip


def facts(found: Findings) -> Iterator[tuple[str, str]]:
    """What a reader wants to know first."""
    plan = found.plan
    yield "corpus", plan.corpus
    yield "models", f"{len({entrant.model for entrant in found.entrants})}"
    yield "encodings", ", ".join(plan.encodings)
    yield "seeds", ", ".join(map(str, plan.seeds))
    yield "tokens for each", f"{plan.budget.tokens / 1e6:.3g} million"
    yield "melodies judged", f"{plan.judging.melodies * sum(len(entrant.seeds) for entrant in found.entrants):,}"


def _values(found: Findings, entrant: Entrant, metric: str) -> list[float]:
    return [value for value, _, _ in found.by_seed(entrant, metric, found.at)]


def _cell(interval: Interval, form: str) -> Cell:
    small = f"{interval.low:{form}} to {interval.high:{form}}" if isfinite(interval.low + interval.high) else ""
    return Cell(_number(interval.value, form), small)


def _number(value: float, form: str) -> str:
    return format(value, form) if isfinite(value) else "–"


def _last(value: float) -> float:
    return value if isfinite(value) else float("inf")
