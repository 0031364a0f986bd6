"""Refusals: rules that no melody keeps together, as few as there are, in one line for people."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, islice
from typing import Any

from melodysynthesis.constraints.given import Event
from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.notation import format_pitch
from melodysynthesis.generation.plan import GIVEN, LOOKING_BACK, Asked, tables
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.search import UndecidedError, possible
from melodysynthesis.theory import beat_ticks

SMALLEST = 300
"""So many sets of rules are looked through at most for one smaller than the first that was found."""
FEW = 1_000
"""Beginnings that are looked at for each set of rules, some seconds: one that is not decided by then passes for
possible, so that a conflict may keep a rule too many, but never lacks one."""


def tables_for(asked: Asked) -> Lookahead:
    """The look-ahead over the rules' automaton.

    Raises:
        RequestError: if no melody keeps all rules, naming some that conflict.
    """
    look = tables(asked)
    if look is None:
        raise refusal(asked)
    return look


def refusal(asked: Asked) -> RequestError:
    """The refusal of rules that no melody keeps together: one line, with a smallest set of them that conflict."""
    names = smallest_conflict(asked)
    shown = [_shown(name, dict(asked.values)) for name in names]
    timeline = asked.timeline
    meters = ", ".join(dict.fromkeys(map(str, timeline.meters)))
    bars = f"{len(timeline.meters)} bar{'s' * (len(timeline.meters) != 1)} of {meters}"
    where = f"in {bars}{f', {asked.key}' if asked.key else ''}"
    if not shown:
        line = f"no melody fills {bars}: this model can't say notes of such lengths"
    elif GIVEN in names:
        event = first_impossible(asked._replace(rules=names))
        where = f"together {where}" if len(shown) > 1 else where
        line = f"no melody keeps {' and '.join(shown)} {where}: it fails at {placed(event, timeline)}"
    elif len(shown) == 1:
        line = f"no melody keeps {shown[0]} {where}"
    else:
        line = f"no melody keeps {', '.join(shown[:-1])} and {shown[-1]} together {where}: leave one out, or change it"
    return RequestError(line, names)


def first_impossible(asked: Asked) -> Event:
    """Of the notes and rests that are given, the first with which nothing can keep the rules."""
    enough = bisect_left(
        range(len(asked.given) - 1), True, key=lambda last: not perhaps(asked._replace(given=asked.given[: last + 1]))
    )
    return asked.given[enough]


def placed(event: Event, timeline: Timeline) -> str:
    """A note or rest by its pitch and place, such as "G4 in bar 2, beat 5/2"; bar 0 is the pickup."""
    bar, meter, position = timeline.place(event.onset)
    beat = 1 + Fraction(position, beat_ticks(meter))
    return f"{'the rest' if event.pitch is None else format_pitch(event.pitch)} in bar {bar}, beat {beat}"


def together_with_given(rule: str, asked: Asked, event: Event) -> RequestError:
    """The refusal of a rule that what is given breaks by itself, at an event of it."""
    shown = f"{_shown(rule, dict(asked.values))} and {_shown(GIVEN, {})}"
    return RequestError(f"no melody keeps {shown} together: it fails at {placed(event, asked.timeline)}", (rule, GIVEN))


def smallest_conflict(asked: Asked) -> tuple[str, ...]:
    """Rules that conflict, none of them superfluous; nor do fewer by their tables, if there are not too many sets."""
    found = _needed(asked, asked.rules)
    sets = (names for size in range(1, len(found)) for names in combinations(asked.rules, size))
    for names in islice(sets, SMALLEST):
        if tables(asked._replace(rules=names)) is None:
            return _needed(asked, names)
    return found


def _needed(asked: Asked, names: Sequence[str]) -> tuple[str, ...]:
    """Of rules that conflict, some of which each is needed. Those that are slow to decide are left out first."""
    found = tuple(names)
    for name in sorted(names, key=lambda name: name not in LOOKING_BACK):
        fewer = tuple(other for other in found if other != name)
        if not perhaps(asked._replace(rules=fewer)):
            found = fewer
    return found


def perhaps(asked: Asked) -> bool:
    """Whether some melody keeps what is asked for, as far as is found out by so many beginnings."""
    try:
        return possible(asked, FEW)
    except UndecidedError:
        return True


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
