"""From a request to what a sampler needs to keep its rules: their automaton, the look-ahead over it, and the rules that
look further back than an automaton can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache, cached

from melodysynthesis.constraints.automaton import Automaton, AutomatonTooLargeError, Build, compile_rules
from melodysynthesis.constraints.lookahead import Lookahead, look_ahead
from melodysynthesis.constraints.rule import Event, Ints, Rule, RuleContext, SectionGroup, split_rests
from melodysynthesis.constraints.rules import NEED_TUNES, RULES
from melodysynthesis.constraints.rules.contour import ContourInParts, ContourPart
from melodysynthesis.constraints.rules.form import Section
from melodysynthesis.constraints.rules.given import Given, Sounding, UsualLengths
from melodysynthesis.constraints.rules.rhythm import bound_until, rhythm_in
from melodysynthesis.constraints.some_bars import InSomeBars
from melodysynthesis.constraints.space import Space, space_of
from melodysynthesis.constraints.specification import RuleSpec
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.constraints.token_masks import clock_of
from melodysynthesis.encodings.base import Encoding
from melodysynthesis.encodings.event_tokens import DURATIONS
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.distinct_sections import DistinctSections
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.stepper import CountBudget, HistoryRule
from melodysynthesis.music import Key

GIVEN = "given"
"""Name of the rule that keeps the given notes and rests, in the sets of rules that conflict."""
LOOKING_BACK = tuple(name for name, rule in RULES.items() if rule.build is None)
"""Rules that look further back than an automaton can."""
COMMON_PITCHES = (52, 84)
"""E3 to C6: what folk songs and most melodies use."""
COMMON_NOTE, COMMON_REST = Fraction(1), Fraction(3, 4)
"""The longest note and rest that are usual, in bars: of 4,300 German songs in one meter, 97 % have no longer note, and
99 % no longer rest. Without a limit melodies escape rules such as chords by a few endless notes."""
LOOKAHEAD_CACHE_BYTES = 256 * 2**20
"""Size of the cache of tables. Most have a few megabytes, those of the hardest rules a hundred."""


class ConstraintProblem(NamedTuple):
    """Everything that the tables depend on.

    Attributes:
        rules: names of the rules to keep.
        values: of the request's fields, by name.
        timeline: the bars.
        key: of the melody.
        given: notes and rests that are given.
        cuts: ticks at which rests are split, so that all rules see the same events.
        pitches: MIDI numbers that the encoding can write.
        step: of the encoding, in ticks.
        corpus: name of the one that the model was trained on, which max-copy compares with.
        early: whether max-copy is kept before rests have to save it; see `MaxCopy`.
        loose: whether rarely used pitches are searched, too.
        held: start and end of the rest of a note that was held beyond rewritten bars; no note may begin there.
        parts: the directions that a contour requires in each stretch, once the notes of the stretches are counted;
            see `generation.contour_parts.parts_of`.
        usual_lengths: ticks of the longest note and rest that are considered; None for any.
        judged: start and end of the ticks in which the rules hold; None for the whole melody.
    """

    rules: tuple[str, ...]
    values: tuple[tuple[str, Any], ...]
    timeline: Timeline
    key: Key | None
    given: tuple[Event, ...]
    cuts: tuple[int, ...]
    pitches: tuple[int, ...]
    step: int
    corpus: str = ""
    early: bool = True
    loose: bool = False
    held: tuple[int, int] = (0, 0)
    parts: tuple[ContourPart, ...] = ()
    usual_lengths: tuple[int | None, int | None] = (None, None)
    judged: tuple[int, int] | None = None


def build_problem(
    encoding: Encoding,
    request: Request,
    timeline: Timeline,
    key: Key | None,
    *,
    given: Sequence[Event] = (),
    corpus: str = "",
) -> ConstraintProblem:
    """The constraints of a request on a melody with these bars and this key."""
    timeline = replace(timeline, grouping=request.grouping or ())
    names = (*request.rules, *([GIVEN] if given else []))
    values = tuple(request.rule_values.items())
    pitches = tuple(pitches_of(encoding, key).tolist())
    cuts = cuts_of(timeline, request.rules, request.rule_values, given)
    return ConstraintProblem(
        names, values, timeline, key, split_rests(given, cuts), cuts, pitches, clock_of(encoding).step, corpus
    )


def pitches_of(encoding: Encoding, key: Key | None) -> Ints:
    """MIDI numbers that an encoding can write in a key, ascending."""
    return np.array(encoding.pitches_in(key), np.int64)


@cached(
    LRUCache(LOOKAHEAD_CACHE_BYTES, getsizeof=lambda look: look.bytes if look else 1),
    key=lambda problem: problem._replace(early=True),  # which makes no difference to them
    lock=Lock(),
)
def tables(problem: ConstraintProblem) -> Lookahead | None:
    """The look-ahead over the automaton of the rules; None if no melody keeps them. History rules are not in it.

    Pitches and lengths are limited to the usual ones where no rule gives them. If no melody is possible with these, all
    that the encoding can write are used.
    """
    usual, anything = problem, problem._replace(usual_lengths=(None, None))
    if not problem.loose:
        usual = problem._replace(usual_lengths=usual_lengths(problem))
    if "range" not in problem.rules and not problem.loose:
        near = {event.pitch for event in problem.given} | {note.pitch for note in dict(problem.values)["fixed"] or ()}
        around = [COMMON_PITCHES, *((pitch - 12, pitch + 12) for pitch in near if pitch is not None)]
        in_range = tuple(pitch for pitch in problem.pitches if any(low <= pitch <= high for low, high in around))
        usual = usual._replace(pitches=in_range or problem.pitches)
    look = _tables(usual)
    return _tables(anything) if look is None and usual != anything else look


def usual_lengths(problem: ConstraintProblem) -> tuple[int | None, int | None]:
    """Ticks of the longest usual or given note and rest; None where a rule gives the lengths."""
    bar = max(meter.bar_ticks for meter in problem.timeline.meters)
    limits = []
    for share, notes, rules in (
        (COMMON_NOTE, True, {"max_note", "durations", "rhythm"}),
        (COMMON_REST, False, {"max_rest", "rhythm"}),
    ):
        given = (event.ticks for event in problem.given if (event.pitch is not None) == notes)
        limits.append(None if rules & set(problem.rules) else max([int(bar * share), *given]))
    return limits[0], limits[1]


def _tables(problem: ConstraintProblem) -> Lookahead | None:
    left_out = {name for name in RULES if name not in problem.rules}
    values = {name: None if name in left_out else value for name, value in problem.values}
    section_groups = section_groups_of(problem.timeline, values["form"] or ())
    if section_groups is None:
        return None
    silent = (
        bool(problem.given)
        and GIVEN in problem.rules
        and problem.given[0].onset == 0
        and problem.given[0].pitch is None
    )
    rules = [RULES[name] for name in problem.rules if name in RULES]
    silent |= any(rule.silent_start for rule in rules)
    builds: list[Build] = [partial(Sounding, silent_start=silent)]
    builds += [
        _with(rule.build, values, problem.judged)
        for rule in rules
        if rule.build and not (rule.name == "contour" and problem.parts)
    ]
    if problem.usual_lengths != (None, None):
        builds.append(partial(UsualLengths, note=problem.usual_lengths[0], rest=problem.usual_lengths[1]))
    if problem.parts:
        builds.append(partial(ContourInParts, parts=problem.parts))
    if GIVEN in problem.rules:
        builds.append(partial(Given, events=problem.given, held=problem.held))
    context = RuleContext(
        problem.timeline, problem.key, np.array(problem.pitches, np.int64), section_groups, problem.cuts
    )
    try:
        automaton = compile_rules(context, builds, _space(problem, values))
    except AutomatonTooLargeError as error:
        raise _too_large(problem, str(error), context, rules) from None
    if automaton is None:
        return None
    look = look_ahead(automaton)
    return look if look.possible else None


def _too_large(problem: ConstraintProblem, why: str, context: RuleContext, rules: Sequence[RuleSpec]) -> RequestError:
    """The refusal of tables that would be too large, with the rule that takes most of them."""
    states = {rule.name: rule.build(context, dict(problem.values)).states for rule in rules if rule.build}
    largest = max(states, key=lambda name: states[name], default="")
    if states.get(largest, 0) <= 1:
        largest = ""
    bars = len(problem.timeline.meters)
    most = f"{RULES[largest].shown(dict(problem.values))} takes most" if largest else "there are too many pitches"
    return RequestError(
        f"{why} over {bars} bars: {most}; leave it out, narrow the range, or take fewer bars", problem.rules
    )


def _with(
    rule: Callable[[RuleContext, dict[str, Any]], Rule], values: dict[str, Any], judged: tuple[int, int] | None
) -> Build:
    if judged is None:
        return lambda context: rule(context, values)
    return lambda context: InSomeBars(context, rule(context, values), *judged)


def _space(problem: ConstraintProblem, values: dict[str, Any]) -> Space:
    timeline, step = problem.timeline, problem.step
    lengths = set(DURATIONS) if step == 1 else set(range(step, timeline.ticks + 1, step))
    places = [timeline.ticks, *timeline.bar_lines]
    free = False
    for name in problem.rules:
        if name in RULES:
            needed = RULES[name].places(values[name], timeline, problem.cuts)
            lengths |= needed.durations
            places += needed.onsets
            free |= needed.anywhere
    if GIVEN in problem.rules:
        lengths |= {event.ticks for event in problem.given}
        places += [tick for event in problem.given for tick in (event.onset, event.onset + event.ticks)]
    return space_of(timeline, step, lengths, places, free)


def cut(timeline: Timeline, form: Sequence[Section]) -> list[tuple[int, int]]:
    """Start and end of each section of a form: equally many bars, each section from its pickup on."""
    bars = len(timeline.meters) // len(form)
    starts = [timeline.bar_lines[number * bars] - timeline.pickup for number in range(len(form))]
    return list(zip(starts, [*starts[1:], timeline.ticks], strict=True))


def cuts_of(
    timeline: Timeline, rules: Sequence[str], values: Mapping[str, Any], given: Sequence[Event]
) -> tuple[int, ...]:
    """Where rests are split: where sections of a form meet, and where rests that are given or a rhythm's begin or end.

    Equal sections are split at the same places.
    """
    rests = [(event.onset, event.onset + event.ticks) for event in given if event.pitch is None]
    if values.get("rhythm"):
        parts = rhythm_in(timeline, values["rhythm"], (), bound_until(timeline, values.get("cadence")))
        rests += [(onset, onset + ticks) for onset, ticks, sounds in parts if not sounds]
    cuts = {edge for rest in rests for edge in rest}
    for name in rules:
        cuts.update(RULES[name].cuts(values[name], timeline))
    for group in section_groups_of(timeline, values.get("form") or ()) or ():
        inside = {cut - start for start in group.starts for cut in cuts if start <= cut < start + group.ticks}
        cuts |= {start + offset for start in group.starts for offset in {0, *inside}}
    return tuple(sorted(cut for cut in cuts if 0 < cut < timeline.ticks))


def section_groups_of(timeline: Timeline, form: Sequence[Section]) -> tuple[SectionGroup, ...] | None:
    """The groups of equal sections; None if sections of one letter have different bars, so that they can't be equal."""
    if not form:
        return ()
    if len(timeline.meters) % len(form):
        return None
    bars, places = len(timeline.meters) // len(form), cut(timeline, form)
    found = []
    for letter in dict.fromkeys(section.letter for section in form):
        mine = [number for number, section in enumerate(form) if section.letter == letter]
        if len({timeline.meters[number * bars : (number + 1) * bars] for number in mine}) > 1:
            return None
        start, end = places[mine[0]]
        primes = tuple(form[number].primes for number in mine)
        found.append(SectionGroup(tuple(places[number][0] for number in mine), end - start, primes))
    return tuple(found)


def looks_back(problem: ConstraintProblem, look: Lookahead | None) -> bool:
    """Whether there are rules that look further back than an automaton can."""
    return any(name in LOOKING_BACK for name in problem.rules) or (look is not None and bool(look.automaton.uncounted))


def history_rules_of(problem: ConstraintProblem, look: Lookahead) -> tuple[HistoryRule, ...]:
    """The rules that look back further than an automaton can, given the look-ahead of the others."""
    values, automaton = dict(problem.values), look.automaton
    history_rules: list[HistoryRule] = [CountBudget(automaton, rule) for rule in automaton.uncounted]
    if "form" in problem.rules:
        edge = max((values[name] + 1 for name in NEED_TUNES if name in problem.rules), default=0)
        places = cut(problem.timeline, values["form"])
        history_rules.append(Form(automaton.space, values["form"], places, edge))
        history_rules.append(DistinctSections(automaton.space, values["form"], places))
    return (*history_rules, *_rules_on_copies(problem, automaton))


def _rules_on_copies(problem: ConstraintProblem, automaton: Automaton) -> Iterator[HistoryRule]:
    """The rules of `NEED_TUNES`. They read corpora, as nothing else here does."""
    if not set(NEED_TUNES) & set(problem.rules):
        return
    from melodysynthesis.generation.max_copy import MaxCopy, MaxCopyPitches, steps_of

    values = dict(problem.values)
    if "max_copy" in problem.rules:
        yield MaxCopy(automaton, values["max_copy"], steps_of(problem.corpus, "rhythm"), problem.early)
    if "max_copy_pitches" in problem.rules:
        yield MaxCopyPitches(automaton, values["max_copy_pitches"], steps_of(problem.corpus, "interval"))
