"""From a request to what a sampler needs to keep its rules: their automaton and the look-ahead over it.

A request that no melody can keep is refused here, before anything is generated, with rules that conflict: none of them
can be left out of the list.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from melodysynthesis.constraints.automaton import Build, compile_rules
from melodysynthesis.constraints.base import clock_of
from melodysynthesis.constraints.given import Event, Given
from melodysynthesis.constraints.lookahead import Lookahead, look_ahead
from melodysynthesis.constraints.rule import Ints, Likeness, Rule, Setting
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.rules.fixed import tick_of
from melodysynthesis.constraints.rules.sounding import Sounding
from melodysynthesis.constraints.space import Space, space_of
from melodysynthesis.constraints.terms import Section
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.encodings.base import Encoding
from melodysynthesis.encodings.event import tonic_shift
from melodysynthesis.encodings.event_tokens import DURATIONS, ID, Kind
from melodysynthesis.encodings.grid import GridEncoding, shift_to_c
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.notation import format_pitch
from melodysynthesis.generation.request import RULES as NAMES
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key
from melodysynthesis.theory import beat_ticks

GIVEN = "given"
"""The rule that what is given stands, among the names of rules."""
USUAL = (52, 84)
"""E3 to C6: what folk songs and most melodies use."""
SMALLEST = 300
"""So many sets of rules are looked through at most for one smaller than the first that was found."""


class Asked(NamedTuple):
    """Everything that the tables depend on.

    Attributes:
        rules: names of the rules to keep.
        values: of the request's fields, by name.
        timeline: the bars.
        key: of the melody.
        given: notes and rests that stand.
        pitches: that the encoding can say.
        step: of the encoding, in ticks.
    """

    rules: tuple[str, ...]
    values: tuple[tuple[str, Any], ...]
    timeline: Timeline
    key: Key | None
    given: tuple[Event, ...]
    pitches: tuple[int, ...]
    step: int


def asked_for(
    encoding: Encoding, request: Request, timeline: Timeline, key: Key | None, given: Sequence[Event] = ()
) -> Asked:
    """What a request asks of a melody with these bars and this key."""
    names = (*request.rules, *([GIVEN] if given else []))
    values = tuple((name, getattr(request, name)) for name in (*NAMES, "chromatic"))
    pitches = tuple(pitches_of(encoding, key).tolist())
    return Asked(names, values, timeline, key, tuple(given), pitches, clock_of(encoding).step)


def pitches_of(encoding: Encoding, key: Key | None) -> Ints:
    """MIDI numbers that an encoding can say in a key, ascending."""
    if isinstance(encoding, GridEncoding):
        pitches = np.array(encoding.pitches) - shift_to_c(key)
    else:
        pitches = np.array([value for kind, value in ID if kind == Kind.PITCH]) + tonic_shift(key)
    return np.sort(pitches[(pitches >= 0) & (pitches <= 127)])


def tables_for(asked: Asked) -> Lookahead:
    """The look-ahead over the rules' automaton.

    Raises:
        RequestError: if no melody keeps all rules, naming some that conflict.
    """
    look = tables(asked)
    if look is None:
        raise conflict(asked)
    return look


@lru_cache(maxsize=32)
def tables(asked: Asked) -> Lookahead | None:
    """The look-ahead; None if no melody keeps all rules.

    Without a range only usual pitches are looked at, and all that the encoding can say where those do not do.
    """
    usual = asked
    if "range" not in asked.rules:
        near = {event.pitch for event in asked.given} | {note.pitch for note in dict(asked.values)["fixed"] or ()}
        around = [USUAL, *((pitch - 12, pitch + 12) for pitch in near if pitch is not None)]
        sung = tuple(pitch for pitch in asked.pitches if any(low <= pitch <= high for low, high in around))
        usual = asked._replace(pitches=sung or asked.pitches)
    look = _tables(usual)
    return _tables(asked) if look is None and usual != asked else look


def _tables(asked: Asked) -> Lookahead | None:
    values = {name: value if name in (*asked.rules, "chromatic") else None for name, value in asked.values}
    likenesses = likenesses_of(asked.timeline, values["form"]) if values["form"] else ()
    if likenesses is None:
        return None
    silent = bool(asked.given) and GIVEN in asked.rules and asked.given[0].onset == 0 and asked.given[0].pitch is None
    silent |= "rhythm" in asked.rules  # which says itself what comes first
    rests = "rests" not in asked.rules
    builds: list[Build] = [partial(Sounding, rests=rests, silent_start=silent)]
    builds += [_with(RULES[name], values) for name in asked.rules if name in RULES]
    if GIVEN in asked.rules:
        builds.append(partial(Given, events=asked.given))
    setting = Setting(asked.timeline, asked.key, np.array(asked.pitches, np.int64), likenesses)
    automaton = compile_rules(setting, builds, _space(asked, values))
    if automaton is None:
        return None
    look = look_ahead(automaton)
    return look if look.possible else None


def _with(rule: Callable[[Setting, dict[str, Any]], Rule], values: dict[str, Any]) -> Build:
    return lambda setting: rule(setting, values)


def _space(asked: Asked, values: dict[str, Any]) -> Space:
    timeline, step = asked.timeline, asked.step
    lengths = set(DURATIONS) if step == 1 else set(range(step, timeline.ticks + 1, step))
    places = [timeline.ticks, *timeline.bar_lines]
    free = False
    if "durations" in asked.rules:
        lengths |= set(values["durations"])
        free = any(ticks % 3 and ticks % 4 for ticks in values["durations"])
    if "rhythm" in asked.rules:
        lengths |= {beat.ticks for beat in values["rhythm"]}
        free = True
    if "fixed" in asked.rules:
        ticks = [tick_of(timeline, note) for note in values["fixed"]]
        places += [tick for tick in ticks if tick is not None]
    if GIVEN in asked.rules:
        lengths |= {event.ticks for event in asked.given}
        places += [tick for event in asked.given for tick in (event.onset, event.onset + event.ticks)]
    return space_of(timeline, step, lengths, places, free)


def cut(timeline: Timeline, form: Sequence[Section]) -> list[tuple[int, int]]:
    """Start and end of each section of a form: equally many bars, each section from its pickup on."""
    bars = len(timeline.meters) // len(form)
    starts = [timeline.bar_lines[number * bars] - timeline.pickup for number in range(len(form))]
    return list(zip(starts, [*starts[1:], timeline.ticks], strict=True))


def likenesses_of(timeline: Timeline, form: Sequence[Section]) -> tuple[Likeness, ...] | None:
    """Which sections are alike; None if ones of one letter can't be, as they have other bars."""
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
        found.append(Likeness(tuple(places[number][0] for number in mine), end - start, primes))
    return tuple(found)


def conflict(asked: Asked, possible: Callable[[Asked], bool] = lambda asked: tables(asked) is not None) -> RequestError:
    """The refusal of rules that no melody keeps together: one line, with a smallest set of them that conflict."""
    names = smallest_conflict(asked, possible)
    shown = [_shown(name, dict(asked.values)) for name in names]
    timeline = asked.timeline
    meters = ", ".join(dict.fromkeys(map(str, timeline.meters)))
    bars = f"{len(timeline.meters)} bar{'s' * (len(timeline.meters) != 1)} of {meters}"
    where = f"in {bars}{f', {asked.key}' if asked.key else ''}"
    if not shown:
        line = f"no melody fills {bars}: this model can't say notes of such lengths"
    elif GIVEN in names:
        event = first_impossible(asked._replace(rules=names), possible)
        where = f"together {where}" if len(shown) > 1 else where
        line = f"no melody keeps {' and '.join(shown)} {where}: it fails at {placed(event, timeline)}"
    elif len(shown) == 1:
        line = f"no melody keeps {shown[0]} {where}"
    else:
        line = f"no melody keeps {', '.join(shown[:-1])} and {shown[-1]} together {where}: leave one out, or change it"
    return RequestError(line, names)


def first_impossible(asked: Asked, possible: Callable[[Asked], bool]) -> Event:
    """Of the notes and rests that are given, the first with which nothing can keep the rules."""
    enough = bisect_left(
        range(len(asked.given) - 1), True, key=lambda last: not possible(asked._replace(given=asked.given[: last + 1]))
    )
    return asked.given[enough]


def placed(event: Event, timeline: Timeline) -> str:
    """A note or rest by its pitch and place, such as "G4 in bar 2, beat 5/2"; bar 0 is the pickup."""
    bar, meter, position = timeline.place(event.onset)
    beat = 1 + Fraction(position, beat_ticks(meter))
    return f"{'the rest' if event.pitch is None else format_pitch(event.pitch)} in bar {bar}, beat {beat}"


def together_with_given(rule: str, asked: Request, event: Event, timeline: Timeline) -> RequestError:
    """The refusal of a rule that what is given breaks by itself, at an event of it."""
    shown = _shown(rule, {name: getattr(asked, name) for name in NAMES})
    line = f"no melody keeps {shown} and {_shown(GIVEN, {})} together: it fails at {placed(event, timeline)}"
    return RequestError(line, (rule, GIVEN))


def smallest_conflict(asked: Asked, possible: Callable[[Asked], bool]) -> tuple[str, ...]:
    """Rules that conflict: no fewer, if there are not too many sets to look through, and none of them superfluous."""

    def fine(names: Sequence[str]) -> bool:
        return possible(asked._replace(rules=tuple(names)))

    found = list(asked.rules)
    for name in asked.rules:
        fewer = [other for other in found if other != name]
        if not fine(fewer):
            found = fewer
    tried = 0
    for size in range(1, len(found)):
        for names in combinations(asked.rules, size):
            tried += 1
            if tried > SMALLEST:
                return tuple(found)
            if not fine(names):
                return names
    return tuple(found)


def _shown(name: str, values: dict[str, Any]) -> str:
    if name == GIVEN:
        return "the notes that are given"
    value, flag = values[name], name.replace("_", "-")
    if name in ("rests", "ties_over_bars"):
        return f"no {flag}"
    if value is True:
        return flag
    dumped = Request.model_construct(**{name: value}).model_dump(mode="json", include={name})[name]
    extra = f" with {values['chromatic']} notes outside" if name == "scale" and values["chromatic"] else ""
    return f"{flag} {dumped}{extra}"
