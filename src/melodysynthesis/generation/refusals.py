"""Refusals: which rules conflict, in a musician's words, and the nearest requests that can be kept.

Where no melody keeps the rules, the refusal names as few of them that conflict as there are. Then it proposes changes.
Each was tried: a proposal is made only if a melody was found, or the rules' tables show that there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, islice
from time import thread_time
from typing import Any

import numpy as np

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import Event
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.specification import RequestedBars
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.compile import GIVEN, LOOKING_BACK, ConstraintProblem, cuts_of, looks_back, tables
from melodysynthesis.generation.search import SECONDS, UndecidedError, perhaps, possible
from melodysynthesis.notation import format_pitch
from melodysynthesis.theory import beat_ticks

SMALLEST, SMALLEST_SECONDS = 300, 3.0
"""Most sets of rules, and most processor time, that are spent to find a smaller conflict than the first one."""
NEAREST_SECONDS = 1.0
"""Processor time in which requests are looked for that can be kept."""
PLACE_SECONDS = 2.0
"""Processor time in which the note is looked for at which what is given fails."""
LARGER = {"max_leap": 12, "max_syncopation": 8, "max_copy": 8, "max_copy_pitches": 8}
"""Limits that may be raised, and by how much at most."""
SEMITONES_WIDER = 7
"""Semitones by which a range is widened at most, at each end."""
BARS_AWAY = 8
"""Bars more or fewer that are tried at most."""


def tables_for(problem: ConstraintProblem) -> Lookahead:
    """The look-ahead over the rules' automaton.

    Raises:
        RequestError: if no melody keeps all rules, naming some that conflict.
    """
    look = tables(problem)
    if look is None:
        raise refusal(problem)
    return look


def refusal(problem: ConstraintProblem) -> RequestError:
    """The refusal of rules that no melody keeps together: one line, with a smallest set of them that conflict."""
    names = smallest_conflict(problem)
    shown = [_shown(name, dict(problem.values)) for name in names]
    timeline = problem.timeline
    where = f"in {_bars(timeline)}{f', {problem.key}' if problem.key else ''}"
    if not shown:
        line = f"no melody fills {_bars(timeline)}: this model can't write notes of such lengths"
        return RequestError(line, names)
    together = " together" if len(shown) > 1 else ""
    line = f"no melody keeps {_listed(shown, 'and')}{together} {where}"
    failing = first_impossible(problem._replace(rules=names)) if GIVEN in names else None
    if failing is not None:
        line += f": it fails at {placed(failing, timeline)}"
    changes = nearest(problem, names)
    if changes:
        line += f"; one can be made {_listed(changes, 'or')}"
    elif len(shown) > 1 and GIVEN not in names:
        line += ": leave one out, or change it"
    return RequestError(line, names)


def undecided(problem: ConstraintProblem) -> RequestError:
    """The refusal where no melody was found in time, though there may be one."""
    names = ", ".join(name.replace("_", "-") for name in problem.rules)
    line = f"no melody that keeps {names} was found in {SECONDS:g} s of search; there may be one all the same"
    return RequestError(line, problem.rules)


def nearest(problem: ConstraintProblem, names: Sequence[str]) -> list[str]:
    """Changes of a request with which it can be kept, in words, the smallest first; none where none was found in time.

    Args:
        problem: which no melody keeps.
        names: of its rules, some that conflict.
    """
    end = thread_time() + NEAREST_SECONDS
    found: list[str] = []
    ways = [_changed(problem, name) for name in names if name != GIVEN]
    for way in [*ways, _other_bars(problem), _without(problem, names)]:
        for words, change in way:
            if thread_time() > end:
                return found
            if _kept(change, max(end - thread_time(), 0)):
                found.append(words)
                break
    return found


def _kept(problem: ConstraintProblem, seconds: float) -> bool:
    """Whether it is certain that a melody keeps the rules."""
    try:
        look = tables(problem)
        return look is not None and (not looks_back(problem, look) or possible(problem, 500, seconds))
    except (UndecidedError, RequestError):
        return False


def _changed(problem: ConstraintProblem, name: str) -> Iterator[tuple[str, ConstraintProblem]]:
    """The problem with a rule's limit raised little by little."""
    values = dict(problem.values)
    if name in LARGER:
        larger: list[Any] = [values[name] + more for more in range(1, LARGER[name] + 1)]
    elif name == "range":
        larger = [
            values[name]._replace(lowest=values[name].lowest - more, highest=values[name].highest + more)
            for more in range(1, SEMITONES_WIDER + 1)
            if values[name].lowest >= more and values[name].highest + more <= 127
        ]
    elif name == "scale":
        name, larger = "chromatic", [(values["chromatic"] or 0) + more for more in (1, 2, 4)]
    else:
        return
    for value in larger:
        new = values | {name: value}
        words = f"with {value} chromatic notes" if name == "chromatic" else f"with {_shown(name, new)}"
        yield words.replace("1 chromatic notes", "1 chromatic note"), problem._replace(values=tuple(new.items()))


def _other_bars(problem: ConstraintProblem) -> Iterator[tuple[str, ConstraintProblem]]:
    """The problem with more or fewer bars, the nearest number first, if all have one meter and no note is given."""
    timeline, values = problem.timeline, dict(problem.values)
    meters, sections = set(timeline.meters), len(values.get("form") or "1")
    if len(meters) > 1 or problem.given:
        return
    now = len(timeline.meters)
    for bars in sorted((b for b in range(1, now + BARS_AWAY + 1) if 0 < abs(b - now) <= BARS_AWAY),
                       key=lambda b: abs(b - now)):  # fmt: skip
        if bars % sections or _contradicts(problem, RequestedBars(bars, tuple(meters))):
            continue
        other = Timeline.of_bars([*meters] * bars, timeline.pickup, timeline.grouping)
        cuts = cuts_of(other, [name for name in problem.rules if name in RULES], values, ())
        words = f"with {bars} bar{'s' * (bars != 1)}"
        yield words, problem._replace(timeline=other, cuts=cuts)


def _contradicts(problem: ConstraintProblem, bars: RequestedBars) -> bool:
    """Whether a rule contradicts this number of bars."""
    values = dict(problem.values)
    try:
        for name in problem.rules:
            if name in RULES and RULES[name].check is not None:
                RULES[name].check(values, bars)
    except RequestError:
        return True
    return False


def _without(problem: ConstraintProblem, names: Sequence[str]) -> Iterator[tuple[str, ConstraintProblem]]:
    """The problem without one of the rules that conflict, the last that was added first."""
    for name in sorted(names, key=problem.rules.index, reverse=True):
        if name != GIVEN:
            fewer = tuple(other for other in problem.rules if other != name)
            shown = _shown(name, dict(problem.values))
            words = f"with {shown[3:]}" if shown.startswith("no ") else f"without {shown}"
            yield words, problem._replace(rules=fewer)


def _bars(timeline: Timeline) -> str:
    """Such as "8 bars of 3/4"."""
    meters = ", ".join(dict.fromkeys(map(str, timeline.meters)))
    return f"{len(timeline.meters)} bar{'s' * (len(timeline.meters) != 1)} of {meters}"


def _listed(words: Sequence[str], conjunction: str) -> str:
    """Such as "a, b and c"."""
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def first_impossible(problem: ConstraintProblem) -> Event | None:
    """Of the notes and rests that are given, the first with which nothing can keep the rules; None if it takes long."""
    soon = _first_without_way(problem)
    if soon is not None:
        return soon
    end, low, high = thread_time() + PLACE_SECONDS, 0, len(problem.given) - 1
    while low < high:
        if thread_time() > end:
            return None
        middle = (low + high) // 2
        if perhaps(problem._replace(given=problem.given[: middle + 1])):
            low = middle + 1
        else:
            high = middle
    return problem.given[low]


def _first_without_way(problem: ConstraintProblem) -> Event | None:
    """Of what is given from the start on, without a gap, the first that leaves the other rules no way on, if any."""
    names = tuple(name for name in problem.rules if name != GIVEN)
    look = tables(problem._replace(rules=names, given=(), held=(0, 0), loose=True))
    if look is None:
        return None
    space, place, now = look.automaton.space, np.array([look.first_place]), 0
    for onset, ticks, pitch in problem.given:
        event, tick = np.array([look.automaton.event(pitch)]), space.number[[onset]]
        length = np.searchsorted(space.lengths, [ticks])
        if onset != now or tick[0] < 0 or ticks not in space.lengths:
            return None
        if event[0] < 0 or not look.after_lengths(tick, place, event)[0, length[0]] > 0:
            return Event(onset, ticks, pitch)
        place, now = look.follow(tick, length, place, event), onset + ticks
    return None


def placed(event: Event, timeline: Timeline) -> str:
    """A note or rest by its pitch and place, such as "G4 in bar 2, beat 5/2"; bar 0 is the pickup."""
    bar, meter, position = timeline.place(event.onset)
    beat = 1 + Fraction(position, beat_ticks(meter))
    return f"{'the rest' if event.pitch is None else format_pitch(event.pitch)} in bar {bar}, beat {beat}"


def together_with_given(rule: str, problem: ConstraintProblem, event: Event) -> RequestError:
    """The refusal of a rule that what is given breaks by itself, at an event of it."""
    shown = f"{_shown(rule, dict(problem.values))} and {_shown(GIVEN, {})}"
    return RequestError(
        f"no melody keeps {shown} together: it fails at {placed(event, problem.timeline)}", (rule, GIVEN)
    )


def smallest_conflict(problem: ConstraintProblem) -> tuple[str, ...]:
    """Rules that conflict, none of them superfluous; nor do fewer by their tables, if there are not too many sets."""
    found = _needed(problem, problem.rules)
    sets = (names for size in range(1, len(found)) for names in combinations(problem.rules, size))
    end = thread_time() + SMALLEST_SECONDS
    for names in islice(sets, SMALLEST):
        if thread_time() > end:
            break
        if tables(problem._replace(rules=names)) is None:
            return _needed(problem, names)
    return found


def _needed(problem: ConstraintProblem, names: Sequence[str]) -> tuple[str, ...]:
    """Of rules that conflict, some of which each is needed. Those that are slow to decide are left out first."""
    found = tuple(names)
    for name in sorted(names, key=lambda name: name not in LOOKING_BACK):
        fewer = tuple(other for other in found if other != name)
        if not perhaps(problem._replace(rules=fewer)):
            found = fewer
    return found


def _shown(name: str, values: dict[str, Any]) -> str:
    return "the notes that are given" if name == GIVEN else RULES[name].shown(values)
