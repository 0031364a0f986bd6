"""The verdict in words: every sentence is made of figures, and says so where intervals overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import NamedTuple

from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.statistics import Comparison, Interval
from melodysynthesis.study.findings import HUMANS, Entrant, Findings, overlapping, written
from melodysynthesis.study.judge import DISTINCT

FRECHET = "frechet: all figures"
CRITIC, CRITIC_GOAL = "auc: critic", 0.65
TONIC, TONIC_GOAL = "Ends On Tonic", 0.84


class Paragraph(NamedTuple):
    """What was asked, and the answer."""

    question: str
    sentences: tuple[str, ...]


def verdict(found: Findings) -> list[Paragraph]:
    """The answers of a study, those that nothing is known of left out."""
    told = [Paragraph(question, tuple(answer(found))) for question, answer in QUESTIONS.items()]
    return [paragraph for paragraph in told if paragraph.sentences]


def _predicts(found: Findings) -> Iterator[str]:
    best, *others = found.ranked
    yield f"{_name(best)} predicts best, at {_told(found.bits[best], 'bits per note')}{_over_seeds(found, best)}."
    ties = [other for other in others if _may_be_none(found.against_best[other])]
    if ties:
        apart = _listed([f"{_name(e)} ({_less(found.against_best[e].difference)})" for e in ties])
        yield (
            f"It can't be told apart from {apart}: paired by tune, the intervals of these differences contain 0, or "
            f"their p is not below 0.05 after Holm's correction for {len(others)} comparisons."
        )
    clear = [other for other in others if other not in ties]
    if clear:
        apart = _listed([f"{_name(e)} {_less(found.against_best[e].difference)}" for e in clear])
        yield f"More bits per note than it, paired by tune, need {apart}; none of these intervals contains 0."
    yield from _baselines(found)


def _baselines(found: Findings) -> Iterator[str]:
    trained = [entrant for entrant in found.ranked if not entrant.is_counted]
    counted = [entrant for entrant in found.ranked if entrant.is_counted]
    if not trained or not counted:
        return
    worse = [entrant for entrant in trained if found.bits[entrant].value > found.bits[counted[0]].value]
    beaten = f"{_listed([_name(e) for e in worse])} predict worse" if worse else "every trained model predicts better"
    yield f"The best baseline is {_name(counted[0])}, at {_told(found.bits[counted[0]], 'bits')}; {beaten}."


def _encodings(found: Findings) -> Iterator[str]:
    for model in dict.fromkeys(entrant.model for entrant in found.ranked):
        pair = [entrant for entrant in found.ranked if entrant.model == model]
        if len(pair) == 2:
            apart = found.compare(pair[1], pair[0])
            clear = "" if not _may_be_none(apart) else ": the interval contains 0, so neither is shown to be better"
            yield (
                f"{written(model)} needs {_less(apart.difference)} bits per note more in {pair[1].encoding} than in "
                f"{pair[0].encoding}, on the {apart.count:,} tunes that both can say{clear}."
            )


def _close(found: Findings) -> Iterator[str]:
    scores = {entrant: found.score(entrant, FRECHET, found.at) for entrant in found.entrants}
    known = sorted((e for e in scores if isfinite(scores[e].value)), key=lambda e: scores[e].value)
    if not known:
        return
    people = found.score(known[0], f"people's {FRECHET}", found.at)
    first, *rest = known
    yield (
        f"Over all figures together {_name(first)} writes closest to people: Frechet distance "
        f"{_told(scores[first], '')}, where as many melodies of other people score {_told(people, '')}."
    )
    same = [entrant for entrant in rest if overlapping(scores[entrant], scores[first])]
    if same:
        yield f"Its interval overlaps with that of {_listed([_name(e) for e in same])}: the order among these is open."
    if overlapping(scores[first], people):
        yield "It overlaps with people's too."
    else:
        within = [e for e in known if overlapping(scores[e], people)]
        yield f"People's interval is reached by {_listed([_name(e) for e in within]) or 'none of the models'}."


def _descriptors(found: Findings) -> Iterator[str]:
    counts = {entrant: found.outside(entrant) for entrant in found.entrants}
    best = min(counts, key=lambda entrant: (len(counts[entrant]), found.bits[entrant].value))
    inside = len(NAMES) - len(counts[best])
    missed = f"; outside are {_listed(counts[best])}" if counts[best] else ", as was the goal"
    yield (
        f"Of the 17 descriptors' means, {inside} of {_name(best)} lie in the band that 95 % of sets of "
        f"{found.plan.judging.melodies} human melodies keep to{missed}."
    )
    others = [f"{_name(e)} {len(NAMES) - len(counts[e])}" for e in found.ranked if e != best]
    if others:
        yield f"Of the others: {_listed(others)}."


def _critic(found: Findings) -> Iterator[str]:
    scores = {entrant: found.score(entrant, CRITIC, found.at) for entrant in found.entrants}
    known = sorted((e for e in scores if isfinite(scores[e].value)), key=lambda e: scores[e].value)
    if not known:
        return
    best, *rest = known
    if scores[best].high <= CRITIC_GOAL:
        reached = "reached"
    else:
        reached = "not shown to be reached" if scores[best].value <= CRITIC_GOAL else "missed"
    yield (
        f"A critic finds {_name(best)} hardest to tell from people: area under the curve {_told(scores[best], '')}, "
        f"where 0.5 is guessing; the goal of at most {CRITIC_GOAL} is {reached}."
    )
    same = [entrant for entrant in rest if overlapping(scores[entrant], scores[best])]
    if same:
        yield f"Its interval overlaps with that of {_listed([_name(e) for e in same])}."
    if rest:
        yield f"It is surest of {_name(known[-1])}, at {_told(scores[known[-1]], '')}."


def _cadence(found: Findings) -> Iterator[str]:
    people = found.mean(HUMANS, TONIC)
    shares = {entrant: found.mean(entrant, TONIC) for entrant in found.entrants}
    known = sorted((e for e in shares if isfinite(shares[e].value)), key=lambda e: -shares[e].value)
    if not known or not isfinite(people.value):
        return
    best = known[0]
    if shares[best].low >= TONIC_GOAL:
        reached = "reached"
    else:
        reached = "met by the value, not by the whole interval" if shares[best].value >= TONIC_GOAL else "missed"
    yield (
        f"{_percent(people)} of people's melodies end on the tonic; of the models' the most are {_name(best)}'s, with "
        f"{_percent(shares[best])}: the goal of {100 * TONIC_GOAL:.0f} % without being forced is {reached}."
    )
    same = [entrant for entrant in known[1:] if overlapping(shares[entrant], shares[best])]
    if same:
        yield f"The intervals of {_listed([_name(e) for e in same])} overlap with that."


def _original(found: Findings) -> Iterator[str]:
    metric = "percentile: rhythm"
    scores = {entrant: found.score(entrant, metric, found.at) for entrant in found.ranked}
    known = [entrant for entrant in found.ranked if isfinite(scores[entrant].value)]
    if not known:
        return
    yield (
        "By the longest run of notes that a melody shares with a training tune, as a percentile of what held-out tunes "
        "share, where people have 50:"
    )
    for words, chosen in (
        ("More than people do", [e for e in known if scores[e].low > 50]),
        ("Less than people do", [e for e in known if scores[e].high < 50]),
        ("Not to be told from people", [e for e in known if scores[e].low <= 50 <= scores[e].high]),
    ):
        if chosen:
            names = _listed([f"{_name(e)} ({scores[e].value:.0f}{_range(scores[e], '.0f')})" for e in chosen])
            yield f"{words}: {names}."


def _varied(found: Findings) -> Iterator[str]:
    if len(found.plan.judging.temperatures) < 2:
        return
    metric = f"distinct runs of {DISTINCT} notes"
    for entrant in found.ranked:
        by_temperature = [(at, found.score(entrant, FRECHET, at)) for at in sorted(found.plan.judging.temperatures)]
        known = [(at, score) for at, score in by_temperature if isfinite(score.value)]
        if known and not entrant.is_counted:
            at, score = min(known, key=lambda pair: pair[1].value)
            variety = found.score(entrant, metric, at).value
            yield (
                f"{_name(entrant)} is closest to people at temperature {at:g} ({_told(score, '')}), where "
                f"{100 * variety:.0f} % of its runs of {DISTINCT} notes are different ones."
            )


def _costs(found: Findings) -> Iterator[str]:
    trained = [entrant for entrant in found.ranked if not entrant.is_counted]
    if not trained:
        return
    seconds = {entrant: found.score(entrant, "training seconds").value for entrant in trained}
    slow, quick = max(trained, key=lambda e: seconds[e]), min(trained, key=lambda e: seconds[e])
    if slow != quick:
        yield (
            f"{_name(quick)} trained quickest, in {seconds[quick]:,.0f} s, and {_name(slow)} slowest, in "
            f"{seconds[slow]:,.0f} s, on whatever machines the study ran on."
        )
    for batch in found.plan.judging.batches:
        steps = {entrant: found.score(entrant, "step", float(batch)).value for entrant in trained}
        best = min(trained, key=lambda entrant: steps[entrant])
        most = max(trained, key=lambda entrant: steps[entrant])
        others = f", {_name(most)} the most with {steps[most]:,.0f}" if most != best else ""
        melodies = "one melody" if batch == 1 else f"{batch} melodies"
        yield f"A step of {melodies} takes {_name(best)} {steps[best]:,.0f} µs{others}."


def _trust(found: Findings) -> Iterator[str]:
    seeds = {len(entrant.seeds) for entrant in found.entrants if not entrant.is_counted}
    if seeds:
        few = min(seeds)
        yield (
            f"Each trained model has {few if len(seeds) == 1 else f'{few} to {max(seeds)}'} "
            f"seed{'s' * (max(seeds) > 1)}; "
            + (
                "how much seeds differ is not known."
                if few == 1
                else "with so few, intervals over seeds are a little too narrow."
            )
        )
        tokens = [found.score(entrant, "tokens seen").value for entrant in found.entrants if not entrant.is_counted]
        least, most = min(tokens), max(tokens)
        saw = f"{least:,.0f}" if least == most else f"{least:,.0f} to {most:,.0f}"
        yield f"They saw {saw} tokens; the plan gives {found.plan.budget.tokens:,}."
    if found.missing:
        yield f"Not done yet, and not in any figure here: {_listed(found.missing)}."


Answer = Callable[[Findings], Iterator[str]]
QUESTIONS: dict[str, Answer] = {
    "Which predicts best?": _predicts,
    "Does the encoding matter?": _encodings,
    "Whose melodies are closest to people's?": _close,
    "Are the 17 descriptors like people's?": _descriptors,
    "Can a critic tell?": _critic,
    "Do they come to an end?": _cadence,
    "Are they original?": _original,
    "How daring may they be?": _varied,
    "What do they cost?": _costs,
    "How far can this be trusted?": _trust,
}


def _may_be_none(comparison: Comparison) -> bool:
    """Whether a difference may be nothing: its interval holds 0, or its corrected p is not below 0.05."""
    interval = comparison.difference
    return not (interval.low > 0 or interval.high < 0) or comparison.p >= 0.05


def _name(entrant: Entrant) -> str:
    return f"{written(entrant.model)} on {entrant.encoding}"


def _told(interval: Interval, unit: str) -> str:
    form = ".3f" if unit.startswith("bits") else ""
    value = format(interval.value, form) if form else _number(interval.value)
    return f"{value}{f' {unit}' if unit else ''}{_range(interval, form)}"


def _less(interval: Interval) -> str:
    return f"{interval.value:.3f}{_range(interval, '.3f')}"


def _percent(interval: Interval) -> str:
    shares = Interval(100 * interval.value, 100 * interval.low, 100 * interval.high, float("nan"))
    return f"{shares.value:.0f} %{_range(shares, '.0f')}"


def _range(interval: Interval, form: str = "") -> str:
    if not (isfinite(interval.low) and isfinite(interval.high)):
        return ""
    low, high = (format(edge, form) if form else _number(edge) for edge in (interval.low, interval.high))
    return f" [{low}, {high}]"


def _over_seeds(found: Findings, entrant: Entrant) -> str:
    spread = found.spread(entrant)
    return f", mean of {len(entrant.seeds)} seeds with standard deviation {spread:.3f}" if isfinite(spread) else ""


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 5 else f"{value:.3g}"


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
