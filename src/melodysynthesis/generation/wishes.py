"""Rules that are wishes: kept where a melody can keep them together with the others, else left out; and how far they
are kept.

A wish that conflicts with what is guaranteed, or with what is given, is left out, the last of several first. A melody
keeps the others like any rule. How far it keeps one that was left out is measured on its notes.
"""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import NO, RuleContext, split_rests
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import events_of
from melodysynthesis.music import Melody


def without(request: Request, name: str) -> Request:
    """The request without one of its rules, which was a wish."""
    left = tuple(wish for wish in request.wishes if wish != name)
    fields = {field.name: field.default for field in RULES[name].fields}
    return request.model_copy(update={**fields, "prefer": left or None})


def shares(request: Request, kept: Request, melody: Melody) -> dict[str, float | None]:
    """For each wish of a request the share of a melody that keeps it: 1 if it does, None where that is not measured.

    Args:
        request: with all wishes.
        kept: the request without those that were left out.
        melody: which keeps that.
    """
    return {name: 1.0 if name in kept.rules else share_of(name, request, melody) for name in request.wishes}


def share_of(name: str, request: Request, melody: Melody) -> float | None:
    """The share of a melody's notes and rests that do not break a rule, if each one that does is passed over."""
    spec, values = RULES[name], request.rule_values
    if spec.build is None or not melody.meters or not melody.notes:
        return None
    timeline = Timeline.of_melody(melody, request.grouping or ())
    cuts = tuple(sorted(spec.cuts(values[name], timeline)))
    pitches = np.unique(melody.pitches)
    rule = spec.build(RuleContext(timeline, melody.key, pitches, cuts=cuts), values)
    shape, allowed = (rule.states, len(pitches) + 1, len(pitches) + 1), np.append(rule.pitches(), True)
    events, state, before, broken = split_rests(events_of(melody), cuts), 0, len(pitches), 0
    for onset, ticks, pitch in events:
        event = len(pitches) if pitch is None else int(np.searchsorted(pitches, pitch))
        symbol = int(np.broadcast_to(rule.symbols(np.array([[onset]]), np.array([[ticks]])), (1, 1))[0, 0])
        then = NO if symbol == NO else int(np.broadcast_to(rule.transitions(symbol), shape)[state, before, event])
        then = then if allowed[event] else NO
        if then == NO:
            broken += 1
        else:
            state = then
        before = before if pitch is None else event
    if then != NO:
        broken += not np.broadcast_to(rule.ends(), shape[:2])[state, before]
    return max(1 - broken / len(events), 0.0)
