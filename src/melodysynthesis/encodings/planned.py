"""The `planned` encoding: `event` with a plan of the melody between the header and the notes.

    start  tonic mode  beats unit [pickup durations]  bars  last:DEGREE (section:NAME duration+)+  notes  ...  end

A plan says the degree of the last note, and letter and length of each phrase; see `plan`. What follows obeys it: the
grammar has a phrase mark exactly where a phrase ends, the melody ends with its last phrase, and its last note has the
degree. A melody whose phrase marks do not say a plan has the token `notes` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Feature, Group, Header, Ids, Role
from melodysynthesis.encodings.event import IS_HEAD, EventEncoding, clock_for, spell_duration
from melodysynthesis.encodings.event_tokens import (
    FREE,
    GROUPS,
    ID,
    KINDS,
    NOTES,
    PLANNED_GRAMMAR,
    ROLES,
    TOKENS,
    VALUES,
    Grammar,
    Kind,
    transitions,
)
from melodysynthesis.encodings.plan import SECTIONS, Plan, PlanSection, plan_of
from melodysynthesis.encodings.planned_context import PLANNED_FEATURES, PlannedContext
from melodysynthesis.music import Melody


class PlannedEncoding(EventEncoding):
    """The `planned` encoding; see the module's docstring.

    Args:
        plans: whether melodies are written with their plans. A model of this encoding reads both ways.
    """

    name = "planned"
    vocabulary: tuple[str, ...] = tuple(name for name, _, _ in TOKENS)
    features: tuple[Feature, ...] = PLANNED_FEATURES
    roles: NDArray[np.int64] = np.array([ROLES.get(kind, Role.MUSIC) for _, kind, _ in TOKENS], np.int64)
    groups: NDArray[np.int64] = np.array([GROUPS.get(kind, Group.HEADER) for _, kind, _ in TOKENS], np.int64)
    clock = clock_for(len(TOKENS))
    grammar: Grammar = PLANNED_GRAMMAR
    next_slot: list[list[int]] = transitions(PLANNED_GRAMMAR, len(TOKENS)).tolist()

    def __init__(self, plans: bool = True) -> None:
        self.plans = plans

    def covering(self, tokens: Iterable[str]) -> PlannedEncoding:
        """This encoding, whose vocabulary is fixed; see `Encoding.covering`."""
        del tokens
        return self

    def read_plan(self, ids: Sequence[int] | Ids) -> Plan | None:
        """The plan that stands before the notes; see `Encoding.read_plan`."""
        header = list(takewhile(lambda token: not IS_HEAD[token], ids))
        last = next((n for n, token in enumerate(header) if KINDS[token] == Kind.LAST), None)
        if last is None:
            return None
        sections: list[PlanSection] = []
        for token in header[last + 1 :]:
            kind, value = KINDS[token], int(VALUES[token])
            if kind == Kind.SECTION:
                sections.append(PlanSection(SECTIONS[value], 0))
            elif kind == Kind.DURATION:
                name, ticks = sections[-1]
                sections[-1] = PlanSection(name, ticks + value)
        return Plan(tuple(sections), int(VALUES[header[last]]))

    def plan_ids(self, plan: Plan) -> Ids:
        """The tokens of a plan; see `Encoding.plan_ids`. Without a last degree they begin with its first phrase."""
        ids = [] if plan.last is None else [ID[Kind.LAST, plan.last]]
        for name, ticks in plan.sections:
            ids += [ID[Kind.SECTION, SECTIONS.index(name)], *spell_duration(ticks)]
        return np.array(ids, np.int64)

    def unplanned(self) -> PlannedEncoding:
        """The same encoding without plans; see `Encoding.unplanned`."""
        return PlannedEncoding(plans=False)

    def start(self, batch: int, header: Header = Header()) -> PlannedContext:  # noqa: B008 (a frozen value)
        """The context after the start token; see `Encoding.start`."""
        return PlannedContext(batch, header)

    def _header_ids(self, melody: Melody) -> Iterator[int]:
        for token in super()._header_ids(melody):
            yield token
            if token == FREE:
                return
        plan = plan_of(melody) if self.plans else None
        if plan is not None:
            yield from self.plan_ids(plan).tolist()
        yield NOTES
