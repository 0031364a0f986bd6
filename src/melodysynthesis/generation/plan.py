"""From a request to what a sampler needs to keep its rules: their automaton, the look-ahead over it, and the rules that
look further back than an automaton can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache, cached

from melodysynthesis.constraints.automaton import Build, compile_rules
from melodysynthesis.constraints.base import clock_of
from melodysynthesis.constraints.given import Event, Given, parted
from melodysynthesis.constraints.lookahead import Lookahead, look_ahead
from melodysynthesis.constraints.rule import Ints, Likeness, Rule, Setting
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.rules.contour import ContourInParts, Part
from melodysynthesis.constraints.rules.fixed import tick_of
from melodysynthesis.constraints.rules.rhythm import rhythm_in
from melodysynthesis.constraints.rules.sounding import Sounding
from melodysynthesis.constraints.space import Space, space_of
from melodysynthesis.constraints.terms import Section
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.encodings.base import Encoding
from melodysynthesis.encodings.event import tonic_shift
from melodysynthesis.encodings.event_tokens import DURATIONS, ID, Kind
from melodysynthesis.encodings.grid import GridEncoding, shift_to_c
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.past import Memory
from melodysynthesis.generation.request import RULES as NAMES
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.spent import Spent
from melodysynthesis.music import Key

GIVEN = "given"
"""The rule that what is given stands, among the names of rules."""
LOOKING_BACK = ("form", "max_copy")
"""Rules that look further back than an automaton can."""
USUAL = (52, 84)
"""E3 to C6: what folk songs and most melodies use."""
KEPT_BYTES = 256 * 2**20
"""What the tables that are kept may take. Most have a few megabytes, those of the hardest rules a hundred."""


class Asked(NamedTuple):
    """Everything that the tables depend on.

    Attributes:
        rules: names of the rules to keep.
        values: of the request's fields, by name.
        timeline: the bars.
        key: of the melody.
        given: notes and rests that stand.
        cuts: where rests are parted, so that what is told apart by one rule is by all.
        pitches: that the encoding can say.
        step: of the encoding, in ticks.
        corpus: name of the one that the model was trained on, which max-copy compares with.
        early: whether max-copy is kept before rests have to save it; see `MaxCopy`.
        loose: whether also what is seldom of use is looked at: pitches that few songs use, and a last section of one
            note or two that closes the melody though the same notes do not close where they are first sung.
        held: start and end of what was left of a note that was held out of rewritten bars: no other may begin there.
        parts: what a contour asks of each part, where it is known how many notes they have; see `contour_in_form`.
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
    parts: tuple[Part, ...] = ()


def asked_for(
    encoding: Encoding,
    request: Request,
    timeline: Timeline,
    key: Key | None,
    *,
    given: Sequence[Event] = (),
    corpus: str = "",
) -> Asked:
    """What a request asks of a melody with these bars and this key."""
    names = (*request.rules, *([GIVEN] if given else []))
    values = tuple((name, getattr(request, name)) for name in (*NAMES, "chromatic"))
    pitches = tuple(pitches_of(encoding, key).tolist())
    cuts = cuts_of(timeline, request, given)
    return Asked(names, values, timeline, key, parted(given, cuts), cuts, pitches, clock_of(encoding).step, corpus)


def pitches_of(encoding: Encoding, key: Key | None) -> Ints:
    """MIDI numbers that an encoding can say in a key, ascending."""
    if isinstance(encoding, GridEncoding):
        pitches = np.array(encoding.pitches) - shift_to_c(key)
    else:
        pitches = np.array([value for kind, value in ID if kind == Kind.PITCH]) + tonic_shift(key)
    return np.sort(pitches[(pitches >= 0) & (pitches <= 127)])


@cached(
    LRUCache(KEPT_BYTES, getsizeof=lambda look: look.bytes if look else 1),
    key=lambda asked: asked._replace(early=True),  # which makes no difference to them
    lock=Lock(),
)
def tables(asked: Asked) -> Lookahead | None:
    """The look-ahead; None if no melody keeps all rules, those left aside that look too far back.

    Without a range only usual pitches are looked at, and all that the encoding can say where those do not do.
    """
    usual = asked
    if "range" not in asked.rules and not asked.loose:
        near = {event.pitch for event in asked.given} | {note.pitch for note in dict(asked.values)["fixed"] or ()}
        around = [USUAL, *((pitch - 12, pitch + 12) for pitch in near if pitch is not None)]
        sung = tuple(pitch for pitch in asked.pitches if any(low <= pitch <= high for low, high in around))
        usual = asked._replace(pitches=sung or asked.pitches)
    look = _tables(usual)
    return _tables(asked) if look is None and usual != asked else look


def _tables(asked: Asked) -> Lookahead | None:
    values = {name: value if name in (*asked.rules, "chromatic") else None for name, value in asked.values}
    likenesses = likenesses_of(asked.timeline, values["form"] or ())
    if likenesses is None:
        return None
    silent = bool(asked.given) and GIVEN in asked.rules and asked.given[0].onset == 0 and asked.given[0].pitch is None
    silent |= "rhythm" in asked.rules  # which says itself what comes first
    rests = "rests" not in asked.rules
    builds: list[Build] = [partial(Sounding, rests=rests, silent_start=silent)]
    builds += [
        _with(RULES[name], values) for name in asked.rules if name in RULES and not (name == "contour" and asked.parts)
    ]
    if asked.parts:
        builds.append(partial(ContourInParts, parts=asked.parts))
    if GIVEN in asked.rules:
        builds.append(partial(Given, events=asked.given, held=asked.held))
    setting = Setting(asked.timeline, asked.key, np.array(asked.pitches, np.int64), likenesses, asked.cuts)
    automaton = compile_rules(setting, builds, _space(asked, values))
    if automaton is None:
        return None
    look = look_ahead(automaton, close=not asked.loose)
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
        lengths |= {ticks for _, ticks, _ in rhythm_in(timeline, values["rhythm"], asked.cuts)}
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


def cuts_of(timeline: Timeline, request: Request, given: Sequence[Event]) -> tuple[int, ...]:
    """Where rests are parted: where sections of a form meet, and where rests that are given or a rhythm's begin or end.

    Sections that are alike are parted alike.
    """
    rests = [(event.onset, event.onset + event.ticks) for event in given if event.pitch is None]
    if request.rhythm:
        parts = rhythm_in(timeline, request.rhythm, ())
        rests += [(onset, onset + ticks) for onset, ticks, sounds in parts if not sounds]
    cuts = {edge for rest in rests for edge in rest}
    for likeness in likenesses_of(timeline, request.form or ()) or ():
        inside = {cut - start for start in likeness.starts for cut in cuts if start <= cut < start + likeness.ticks}
        cuts |= {start + offset for start in likeness.starts for offset in {0, *inside}}
    return tuple(sorted(cut for cut in cuts if 0 < cut < timeline.ticks))


def likenesses_of(timeline: Timeline, form: Sequence[Section]) -> tuple[Likeness, ...] | None:
    """Which sections are alike; None if ones of one letter can't be, as they have other bars."""
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
        found.append(Likeness(tuple(places[number][0] for number in mine), end - start, primes))
    return tuple(found)


def looks_back(asked: Asked, look: Lookahead | None) -> bool:
    """Whether there are rules that look further back than an automaton can."""
    return any(name in LOOKING_BACK for name in asked.rules) or (look is not None and bool(look.automaton.uncounted))


def memories_of(asked: Asked, look: Lookahead) -> tuple[Memory, ...]:
    """The rules that look back further than an automaton can, given the look-ahead of the others."""
    values, automaton = dict(asked.values), look.automaton
    memories: list[Memory] = [Spent(automaton, rule) for rule in automaton.uncounted]
    if "form" in asked.rules:
        edge = values["max_copy"] + 1 if "max_copy" in asked.rules else 0
        memories.append(Form(automaton.space, values["form"], cut(asked.timeline, values["form"]), edge))
    if "max_copy" in asked.rules:
        from melodysynthesis.generation.copies import MaxCopy, steps_of  # which read corpora, as nothing else here does

        memories.append(MaxCopy(automaton, values["max_copy"], steps_of(asked.corpus), asked.early))
    return tuple(memories)
