"""The study's answers in words. Every sentence is made from figures, and says so where intervals overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from typing import NamedTuple, TypeVar

from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.statistics import Comparison, Interval
from melodysynthesis.study.aggregate import HUMANS, Entrant, StudyResults, overlapping, written
from melodysynthesis.study.evaluate import DISTINCT

FRECHET = "frechet: all figures"
CRITIC, CRITIC_GOAL = "auc: critic", 0.65
TONIC, TONIC_GOAL = "Ends On Tonic", 0.84
SIGNIFICANT = 0.05
"""Largest p, after correction, of a difference that is called one."""

Key = TypeVar("Key")


class Paragraph(NamedTuple):
    """A question and its answer."""

    question: str
    sentences: tuple[str, ...]


def summary(found: StudyResults) -> list[Paragraph]:
    """The answers of a study; a question that its results can't answer is left out."""
    answers = [Paragraph(question, tuple(answer(found))) for question, answer in QUESTIONS.items()]
    return [paragraph for paragraph in answers if paragraph.sentences]


def _prediction(found: StudyResults) -> Iterator[str]:
    best, *others = found.ranked
    yield f"{_name(best)} predicts best: {_value(found.bits[best], '.3f')} bits per note{_over_seeds(found, best)}."
    ties = [other for other in others if _may_be_none(found.against_best[other])]
    if ties:
        names = _listed([f"{_name(e)} (which needs {_value(found.against_best[e].difference, '+.3f')})" for e in ties])
        yield (
            f"It is not significantly better than {names}: the interval of this difference over seeds and tunes "
            f"contains 0, or p is not below {SIGNIFICANT} after Holm's correction for {len(others)} comparisons."
        )
    clear = [other for other in others if other not in ties]
    if clear:
        names = _listed([f"{_name(e)} ({_value(found.against_best[e].difference, '+.3f')})" for e in clear])
        yield f"Significantly more bits per note, paired by tune, are needed by {names}."
    yield from _baselines(found)


def _baselines(found: StudyResults) -> Iterator[str]:
    trained = [entrant for entrant in found.ranked if not entrant.is_counted]
    counted = [entrant for entrant in found.ranked if entrant.is_counted]
    if not trained or not counted:
        return
    worse = [entrant for entrant in trained if found.bits[entrant].value > found.bits[counted[0]].value]
    rest = f"worse than it: {_names(worse)}" if worse else "every trained model predicts better"
    bits = _value(found.bits[counted[0]], ".3f")
    yield f"The best baseline is {_name(counted[0])} with {bits} bits per note; {rest}."


def _encodings(found: StudyResults) -> Iterator[str]:
    for model in dict.fromkeys(entrant.model for entrant in found.ranked):
        pair = [entrant for entrant in found.ranked if entrant.model == model]
        if len(pair) == 2:
            difference, _ = found.compare(pair[1], pair[0])
            clear = ", which is not significant" if _may_be_none(difference) else ""
            yield (
                f"{written(model)} needs {_value(difference.difference, '.3f')} bits per note more with the encoding "
                f"{pair[1].encoding} than with {pair[0].encoding}, on the {difference.count:,} tunes that both can "
                f"represent{clear}."
            )


def _distance(found: StudyResults) -> Iterator[str]:
    scores = _known({entrant: found.score(entrant, FRECHET, found.at) for entrant in found.entrants})
    if not scores:
        return
    first, *rest = scores
    human = found.score(first, f"people's {FRECHET}", found.at)
    yield (
        f"Over all figures together, the melodies of {_name(first)} are closest to human melodies: their Frechet "
        f"distance is {_value(scores[first])}. As many other human melodies have {_value(human)}."
    )
    same = [entrant for entrant in rest if overlapping(scores[entrant], scores[first])]
    if same:
        yield f"Its interval overlaps with that of {_names(same)}, so the order among these is open."
    within = [entrant for entrant in scores if overlapping(scores[entrant], human)]
    yield f"The interval of human melodies overlaps with that of {_names(within) or 'none of the models'}."


def _descriptors(found: StudyResults) -> Iterator[str]:
    outside = {entrant: found.outside(entrant) for entrant in found.entrants}
    best = min(outside, key=lambda entrant: (len(outside[entrant]), found.bits[entrant].value))
    missed = f"; outside it are {_listed(outside[best])}" if outside[best] else ", which was the goal"
    yield (
        f"For {_name(best)}, {len(NAMES) - len(outside[best])} of the 17 descriptors have their mean in the band that "
        f"holds 95 % of the means of {found.plan.judging.melodies} human melodies{missed}."
    )
    others = [f"{_name(e)} {len(NAMES) - len(outside[e])}" for e in found.ranked if e != best]
    if others:
        yield f"The other models have: {_listed(others)}."


def _critic(found: StudyResults) -> Iterator[str]:
    scores = _known({entrant: found.score(entrant, CRITIC, found.at) for entrant in found.entrants})
    if not scores:
        return
    best, *rest = scores
    reached = "missed" if scores[best].value > CRITIC_GOAL else "reached by the value but not by the whole interval"
    if scores[best].high <= CRITIC_GOAL:
        reached = "reached"
    yield (
        f"A critic, a classifier trained to tell generated melodies from human ones, finds {_name(best)} hardest: its "
        f"area under the ROC curve is {_value(scores[best])}, where 0.5 is guessing. The goal of at most "
        f"{CRITIC_GOAL} is {reached}."
    )
    same = [entrant for entrant in rest if overlapping(scores[entrant], scores[best])]
    if same:
        yield f"This interval overlaps with that of {_names(same)}."
    if rest:
        yield f"The critic recognises {_name(rest[-1])} best, with {_value(scores[rest[-1]])}."


def _cadence(found: StudyResults) -> Iterator[str]:
    human = found.mean(HUMANS, TONIC)
    shares = _known({entrant: found.mean(entrant, TONIC) for entrant in found.entrants}, highest_first=True)
    if not shares or not isfinite(human.value):
        return
    best, *rest = shares
    reached = "missed" if shares[best].value < TONIC_GOAL else "reached by the value but not by the whole interval"
    if shares[best].low >= TONIC_GOAL:
        reached = "reached"
    yield (
        f"{_percent(human)} of human melodies end on the tonic. Of the models, {_name(best)} does so most often, in "
        f"{_percent(shares[best])}; the goal of {100 * TONIC_GOAL:.0f} % without a rule that forces it is {reached}."
    )
    same = [entrant for entrant in rest if overlapping(shares[entrant], shares[best])]
    if same:
        yield f"This interval overlaps with that of {_names(same)}."


def _originality(found: StudyResults) -> Iterator[str]:
    scores = {entrant: found.score(entrant, "percentile: rhythm", found.at) for entrant in found.ranked}
    known = [entrant for entrant in found.ranked if isfinite(scores[entrant].value)]
    if not known:
        return
    yield (
        "This is measured by the longest run of notes that a melody shares with a training tune, as a percentile of "
        "what human held-out tunes share; human tunes have 50 on average."
    )
    for words, chosen in (
        ("More is copied by", [e for e in known if scores[e].low > 50]),
        ("Less is copied by", [e for e in known if scores[e].high < 50]),
        ("No difference from human tunes is shown for", [e for e in known if scores[e].low <= 50 <= scores[e].high]),
    ):
        if chosen:
            names = _listed([f"{_name(entrant)} ({_value(scores[entrant], '.0f')})" for entrant in chosen])
            yield f"{words} {names}."


def _temperatures(found: StudyResults) -> Iterator[str]:
    temperatures = sorted(found.plan.judging.temperatures)
    if len(temperatures) < 2:
        return
    for entrant in found.ranked:
        scores = _known({at: found.score(entrant, FRECHET, at) for at in temperatures})
        if scores and not entrant.is_counted:
            at = next(iter(scores))
            distinct = found.score(entrant, f"distinct runs of {DISTINCT} notes", at).value
            yield (
                f"{_name(entrant)} is closest to human melodies at temperature {at:g}, with a Frechet distance of "
                f"{_value(scores[at])}; {100 * distinct:.0f} % of its runs of {DISTINCT} notes are then distinct."
            )


def _costs(found: StudyResults) -> Iterator[str]:
    trained = [entrant for entrant in found.ranked if not entrant.is_counted]
    if not trained:
        return
    fast, slow = _extremes({entrant: found.score(entrant, "training seconds").value for entrant in trained})
    if slow[0] != fast[0]:
        yield (
            f"{_name(fast[0])} trained fastest, in {fast[1]:,.0f} s, and {_name(slow[0])} slowest, in {slow[1]:,.0f} "
            "s; these depend on the machines that the study ran on."
        )
    for batch in found.plan.judging.batches:
        fast, slow = _extremes({entrant: found.score(entrant, "step", float(batch)).value for entrant in trained})
        others = f", the slowest {_name(slow[0])} with {slow[1]:,.0f} µs" if slow[0] != fast[0] else ""
        melodies = "one melody" if batch == 1 else f"each of {batch} melodies"
        yield f"One token for {melodies} takes least with {_name(fast[0])}, {fast[1]:,.0f} µs{others}."


def _limits(found: StudyResults) -> Iterator[str]:
    trained = [entrant for entrant in found.entrants if not entrant.is_counted]
    if trained:
        yield _of_seeds(found, trained)
        tokens = [found.score(entrant, "tokens seen").value for entrant in trained]
        seen = f"{min(tokens):,.0f}" + (f" to {max(tokens):,.0f}" if min(tokens) < max(tokens) else "")
        yield f"Each saw {seen} tokens; the plan gives {found.plan.budget.tokens:,}."
    if found.missing:
        yield f"These trials are not finished and not in any figure: {_listed(found.missing)}."


def _of_seeds(found: StudyResults, trained: Sequence[Entrant]) -> str:
    """How many seeds there are, and what they make of the uncertainty between the two best trained models."""
    fewest, most = min(len(e.seeds) for e in trained), max(len(e.seeds) for e in trained)
    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    text = f"Each trained model has {number} seed{'s' * (most > 1)}"
    if fewest == 1:
        return f"{text}: intervals are over tunes only, and another seed may differ by more than they say."
    text += "; intervals are Student's t over seeds and tunes together"
    best = [entrant for entrant in found.ranked if entrant in trained][:2]
    if len(best) < 2:
        return f"{text}."
    difference, share = found.compare(best[1], best[0])
    reach = (difference.difference.high - difference.difference.low) / 2
    return (
        f"{text}. Of the variance of the difference between the two best trained models, {100 * share:.0f} % is the "
        f"seeds'; a difference of less than {reach:.3f} bits per note between them could not be shown."
    )


QUESTIONS: dict[str, Callable[[StudyResults], Iterator[str]]] = {
    "Which model predicts best?": _prediction,
    "Does the encoding matter?": _encodings,
    "Whose melodies are closest to human ones?": _distance,
    "Are the 17 descriptors those of human melodies?": _descriptors,
    "Can a critic tell?": _critic,
    "Do the melodies end on the tonic?": _cadence,
    "Are the melodies original?": _originality,
    "Which temperature is best?": _temperatures,
    "What do the models cost?": _costs,
    "How far can this be trusted?": _limits,
}


def _may_be_none(comparison: Comparison) -> bool:
    """Whether a difference is not significant: its interval contains 0, or its corrected p is not below 0.05."""
    interval = comparison.difference
    return not (interval.low > 0 or interval.high < 0) or comparison.p >= SIGNIFICANT


def _known(scores: Mapping[Key, Interval], *, highest_first: bool = False) -> dict[Key, Interval]:
    """The scores that are known, the lowest first."""
    known = [key for key in scores if isfinite(scores[key].value)]
    return {key: scores[key] for key in sorted(known, key=lambda key: scores[key].value, reverse=highest_first)}


def _extremes(values: Mapping[Entrant, float]) -> tuple[tuple[Entrant, float], tuple[Entrant, float]]:
    """The entrants with the lowest and the highest value."""
    pairs = list(values.items())
    return min(pairs, key=lambda pair: pair[1]), max(pairs, key=lambda pair: pair[1])


def _name(entrant: Entrant) -> str:
    return f"{written(entrant.model)} on {entrant.encoding}"


def _names(entrants: Sequence[Entrant]) -> str:
    return _listed([_name(entrant) for entrant in entrants])


def _value(interval: Interval, form: str = "") -> str:
    """A value with its interval in brackets, such as ``2.658 [2.592, 2.729]``."""
    value, low, high = (format(each, form) if form else _digits(each) for each in _ends(interval))
    return f"{value} [{low}, {high}]" if isfinite(interval.low) and isfinite(interval.high) else value


def _percent(interval: Interval) -> str:
    value, low, high = (f"{100 * each:.0f}" for each in _ends(interval))
    return f"{value} % [{low}, {high}]" if isfinite(interval.low) and isfinite(interval.high) else f"{value} %"


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def _over_seeds(found: StudyResults, entrant: Entrant) -> str:
    spread = found.spread(entrant)
    return f", the mean of {len(entrant.seeds)} seeds with standard deviation {spread:.3f}" if isfinite(spread) else ""


def _digits(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 5 else f"{value:.3g}"


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
