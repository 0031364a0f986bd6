"""Variations of a motif: what of it is kept becomes rules, the rest is the model's.

rhythm    its notes and rests have their durations; pitches are new
contour   its notes go up, down and stay as they do, as many of them; rhythm and intervals are new
strong    its notes that begin on strong beats stand there with their pitches; what is between them is new

A variation has the motif's key, meter, pickup and number of bars; where the motif ends within a bar, a rest fills it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

from melodysynthesis.constraints.rules.contour import Contour
from melodysynthesis.constraints.rules.fixed import FixedNote
from melodysynthesis.constraints.rules.range import PitchRange
from melodysynthesis.constraints.rules.rhythm import RhythmPart
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import events_of
from melodysynthesis.music import Melody
from melodysynthesis.notation import MeterSpan
from melodysynthesis.theory import beat_ticks, find_key

SEMITONES_AROUND = 5
"""Semitones, a fourth, by which a variation may leave the motif's range on either side, unless a range is requested."""


def variation(motif: Melody, keep: Sequence[str] = ("rhythm",), **fields: Any) -> Request:
    """The request for variations of a motif.

    Args:
        motif: a melody with at least one note.
        keep: names in `KEPT`.
        fields: of the request, such as count or a rule. Key, meter and pickup are the motif's, and can be given here
            where it has none.

    Raises:
        RequestError: if the motif has no notes or meter, or nothing that could be kept is kept.
    """
    if not motif.notes:
        raise RequestError("the motif has no notes")
    wordless = {name: value for name, value in fields.items() if name not in ("lyrics", "language")}
    wanted = Request(**{"key": motif.key or find_key(motif), **wordless})  # as bars would follow from words
    motif = _with_meter(motif, wanted)
    timeline = whole_bars(motif)
    motif = replace(motif, duration=timeline.ticks)
    kept: dict[str, Any] = {}
    for name in keep:
        if name not in KEPT:
            raise RequestError(unknown("part of a motif", name, KEPT))
        field, rule = KEPT[name]
        if field in fields:
            raise RequestError(f"{name} of the motif is kept: leave out {field}")
        kept[field] = rule(motif, timeline)
    if not kept:
        raise RequestError(f"nothing of the motif is kept: choose some of {', '.join(KEPT)}")
    frame: dict[str, Any] = {"key": wanted.key, "pickup": motif.pickup}
    if len(set(timeline.meters)) == 1:
        frame |= {"meter": timeline.meters[0], "bars": len(timeline.meters)}
    else:
        frame["meters"] = tuple(MeterSpan(meter, len(list(bars))) for meter, bars in groupby(timeline.meters))
    span = PitchRange(max(min(motif.pitches) - SEMITONES_AROUND, 0), min(max(motif.pitches) + SEMITONES_AROUND, 127))
    return Request(**{"range": span, **fields, **frame, **kept})


def whole_bars(melody: Melody) -> Timeline:
    """The fewest whole bars in which a melody with a meter has room."""
    meters = [bar.meter for bar in melody.bars() if bar.number] or [melody.meters[0]]
    timeline = Timeline.of_bars(meters, melody.pickup)
    return timeline if timeline.ticks >= melody.duration else Timeline.of_bars([*meters, meters[-1]], melody.pickup)


def _with_meter(motif: Melody, wanted: Request) -> Melody:
    for name in ("meters", "bars", "primers", "within"):
        if getattr(wanted, name):
            raise RequestError(f"a variation is as long as its motif: leave out {name}")
    if motif.meters:
        if wanted.meter or wanted.pickup is not None:
            raise RequestError(f"the motif is in {motif.meters[0]} already: leave out meter and pickup")
        return motif
    if wanted.meter is None:
        raise RequestError("the motif says no meter: add one, such as 3/4")
    if motif.duration <= (wanted.pickup or 0):
        raise RequestError("the motif is no longer than its pickup")
    return replace(motif, meters=(wanted.meter,), pickup=wanted.pickup or 0)


def _rhythm(motif: Melody, timeline: Timeline) -> tuple[RhythmPart, ...]:
    """From bar 1 on; the rule has a pickup at its end."""
    for note in motif.notes:
        if note.onset < timeline.pickup < note.end:
            raise RequestError("a note of the motif's pickup is tied over into bar 1: its rhythm can't be kept")
    events = (*events_of(motif, timeline.pickup), *events_of(motif, 0, timeline.pickup))
    return tuple(RhythmPart(event.ticks, event.pitch is not None) for event in events)


def _contour(motif: Melody, timeline: Timeline) -> Contour:
    del timeline
    if len(motif.notes) == 1:
        raise RequestError("a motif of one note has no contour")
    return Contour(tuple((b > a) - (b < a) for a, b in pairwise(motif.pitches)), whole=True)


def _strong_notes(motif: Melody, timeline: Timeline) -> tuple[FixedNote, ...]:
    found = []
    for note in motif.notes:
        if timeline.strong[note.onset]:
            bar, meter, position = timeline.place(note.onset)
            found.append(FixedNote(bar, 1 + Fraction(position, beat_ticks(meter)), note.pitch))
    if not found:
        raise RequestError("no note of the motif begins on a strong beat")
    return tuple(found)


KEPT: dict[str, tuple[str, Callable[[Melody, Timeline], Any]]] = {
    "rhythm": ("rhythm", _rhythm),
    "contour": ("contour", _contour),
    "strong": ("fixed", _strong_notes),
}
"""What of a motif can be kept: the field of the rule, and its value."""
