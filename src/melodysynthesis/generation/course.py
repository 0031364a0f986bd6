"""The way of melodies that keep rules, before the first note is drawn: tables, what is given, start and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from melodysynthesis.constraints.base import clock_of
from melodysynthesis.constraints.given import Event
from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import Ints
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.encodings.base import Encoding, Frame
from melodysynthesis.encodings.event import sounds, tonic_shift
from melodysynthesis.encodings.event_tokens import KINDS, Kind
from melodysynthesis.encodings.grid import shift_to_c
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.past import Memory, Past
from melodysynthesis.generation.plan import asked_for, cut, tables_for, together_with_given
from melodysynthesis.generation.prompt import says_meters
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.walk import Start
from melodysynthesis.music import Melody, Note
from melodysynthesis.theory import find_key


@dataclass(frozen=True)
class Course:
    """All that the melodies of a batch have in common.

    Attributes:
        look: of the rules.
        start: where the particles begin.
        prefix: tokens before that, the start token left out.
        frame: key, meter, pickup and bars.
        timeline: the bars.
        phrase_ends: of what is given, for encodings that don't say them.
        memories: rules beside the automaton.
    """

    look: Lookahead
    start: Start
    prefix: tuple[int, ...]
    frame: Frame
    timeline: Timeline
    phrase_ends: tuple[int, ...] = ()
    memories: tuple[Memory, ...] = ()

    @property
    def given_until(self) -> int:
        """The tick at which the first event that is not given begins."""
        return int(self.look.automaton.space.ticks[self.start.tick])

    def keeps_to_the_end(self, encoding: Encoding, ids: Sequence[int]) -> bool:
        """Whether rules that look back are kept in what is given behind the notes that were drawn, too."""
        if not self.memories or self.look.automaton.space.ticks[self.start.until] == self.timeline.ticks:
            return True
        events = events_of(self.melody(encoding, ids))
        return all(first_broken(self.look, memory, events) is None for memory in self.memories)

    def melody(self, encoding: Encoding, ids: Sequence[int]) -> Melody:
        """The melody that tokens say."""
        melody = encoding.decode(ids, self.frame)
        if says_meters(encoding):
            return melody
        meters = (self.timeline.meters[0], *self.timeline.changes)
        return replace(melody, meters=meters, phrase_ends=self.phrase_ends)


def bars_of(request: Request, frame: Frame) -> Timeline:
    """The bars that a request and a frame say."""
    assert frame.meter is not None
    if request.meters:
        meters = [span.meter for span in request.meters for _ in range(span.number)]
    else:
        meters = [frame.meter] * (frame.bars or 0)
    return Timeline.of_bars(meters, frame.pickup or 0)


def events_of(melody: Melody, start: int = 0, end: int | None = None) -> tuple[Event, ...]:
    """Notes and rests within a stretch of a melody, cut at its ends."""
    end = melody.duration if end is None else end
    cuts = ((max(a, start), min(b, end), pitch) for a, b, pitch in sounds(melody))
    return tuple(Event(a, b - a, pitch) for a, b, pitch in cuts if a < b)


def course_for(encoding: Encoding, request: Request, frame: Frame, primer: Melody | None, corpus: str) -> Course:
    """The course of melodies in a frame, after a primer.

    Raises:
        RequestError: if no melody keeps the rules, or the encoding can't say the frame.
    """
    timeline = bars_of(request, frame)
    _check_step(encoding, timeline)
    given = events_of(primer) if primer else ()
    look = tables_for(asked_for(encoding, request, timeline, frame.key, given))
    prefix = _frame_ids(encoding, frame, timeline)
    if primer is not None:
        meters = (timeline.meters[0], *(meter for meter in timeline.changes if meter.tick < primer.duration))
        in_bars = replace(primer, key=frame.key, meters=meters, pickup=timeline.pickup)
        prefix += tuple(encoding.body(in_bars).tolist())
    ends = primer.phrase_ends if primer else ()
    start = _start(look, given, primer.duration if primer else 0, timeline.ticks, (_end(encoding),))
    return Course(look, start, prefix, frame, timeline, ends, memories_of(request, look, corpus, given))


def course_within(encoding: Encoding, request: Request, corpus: str) -> Course:
    """The course of melodies that are given but for some bars.

    Raises:
        RequestError: if no melody keeps the rules.
        EncodingError: if the encoding can't say what is given.
    """
    assert request.within is not None
    assert request.rewrite is not None
    melody = request.within
    melody = replace(melody, key=request.key or melody.key or find_key(melody))
    start, end = rewritten(melody, request.rewrite)
    timeline = Timeline.of_melody(melody)
    _check_step(encoding, timeline)
    kept = events_of(melody, 0, start)
    given = kept + events_of(melody, end)
    look = tables_for(asked_for(encoding, request, timeline, melody.key, given))
    filler = Note(start, end - start, 60 + tonic_shift(melody.key))
    if not says_meters(encoding):
        filler = filler._replace(pitch=60 - shift_to_c(melody.key))
    notes = sorted([*(note for note in melody.notes if not start <= note.onset < end), filler])
    ends = tuple(tick for tick in melody.phrase_ends if not start < tick < end)
    ids = encoding.encode(replace(melody, notes=tuple(notes), phrase_ends=ends)).tolist()
    before, after = _parted(encoding, ids, start, end)
    frame = Frame(melody.key, timeline.meters[0], timeline.pickup, len(timeline.meters))
    begin = _start(look, given, start, end, after)
    return Course(look, begin, before, frame, timeline, ends, memories_of(request, look, corpus, kept))


def rewritten(melody: Melody, bars: tuple[int, int]) -> tuple[int, int]:
    """Start and end in ticks of what is rewritten: the bars without a note held into them, with all of one held out."""
    chosen = [bar for bar in melody.bars() if bars[0] <= bar.number <= bars[1]]
    start, end = chosen[0].start, chosen[-1].end
    start = max([start, *(note.end for note in melody.notes if note.onset < start < note.end)])
    if start >= end:
        raise RequestError(
            f"bars {bars[0]}-{bars[1]} are all one note that is held into them: rewrite from where it begins"
        )
    end = max([end, *(note.end for note in melody.notes if start <= note.onset < end)])
    return start, end


def _parted(encoding: Encoding, ids: Sequence[int], start: int, end: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Tokens before and after a stretch, without the start token. A phrase mark at its ends is kept."""
    clock = clock_of(encoding).ticks
    body = next((number for number, token in enumerate(ids) if _is_head(encoding, token)), 1) if start == 0 else None
    reached = np.cumsum(
        [int(clock[token]) if number >= _body(encoding, ids) else 0 for number, token in enumerate(ids)]
    )
    first = body if body is not None else int(np.searchsorted(reached, start)) + 1
    if says_meters(encoding) and body is None and KINDS[ids[first]] == Kind.PHRASE:
        first += 1
    last = int(np.searchsorted(reached, end)) + 1
    return tuple(ids[1:first]), tuple(ids[last:])


def _body(encoding: Encoding, ids: Sequence[int]) -> int:
    """Number of the first token that is no part of the frame."""
    return next(number for number, token in enumerate(ids) if number and _is_head(encoding, token))


def _is_head(encoding: Encoding, token: int) -> bool:
    return not says_meters(encoding) or KINDS[token] in (Kind.PITCH, Kind.REST)


def _frame_ids(encoding: Encoding, frame: Frame, timeline: Timeline) -> tuple[int, ...]:
    """Tokens before the first note."""
    if not says_meters(encoding):
        return ()
    note = Note(0, timeline.ticks, 60 + tonic_shift(frame.key))
    meters = (timeline.meters[0], *timeline.changes)
    ids = encoding.encode(Melody((note,), timeline.ticks, meters, frame.key, (), timeline.pickup)).tolist()
    return tuple(ids[1 : _body(encoding, ids)])


def _start(look: Lookahead, given: Sequence[Event], begin: int, end: int, after: tuple[int, ...]) -> Start:
    number = look.automaton.space.number
    before = [event for event in given if event.onset < begin]
    past = _nothing(look)
    for event in before:
        past.add(np.zeros(1, np.int64), *_numbers(look, event))
    return Start(int(number[begin]), look.run(before), past, int(number[end]), after)


def memories_of(request: Request, look: Lookahead, corpus: str, given: Sequence[Event] = ()) -> tuple[Memory, ...]:
    """The rules that look back further than an automaton can.

    Args:
        request: what is asked for.
        look: of the other rules.
        corpus: name of the one that the model was trained on.
        given: notes and rests with which every melody begins.

    Raises:
        RequestError: if these break one by themselves.
    """
    memories: list[Memory] = []
    automaton = look.automaton
    if request.form is not None:
        places = cut(automaton.setting.timeline, request.form)
        memories.append(Form(automaton.space, request.form, places))
    if request.max_copy is not None:
        from melodysynthesis.generation.copies import MaxCopy, steps_of  # which read corpora, as nothing else here does

        memories.append(MaxCopy(automaton, request.max_copy, steps_of(corpus)))
    for memory in memories:
        event = first_broken(look, memory, given)
        if event is not None:
            raise together_with_given(memory.name, request, event, automaton.setting.timeline)
    return tuple(memories)


def first_broken(look: Lookahead, memory: Memory, events: Sequence[Event]) -> Event | None:
    """The first of the events, from the start of a melody on, that a rule does not allow; None if it allows all."""
    past = _nothing(look)
    for event in events:
        tick, head, length = _numbers(look, event)
        if not memory.heads(past, tick)[0, head[0]] or not memory.lengths(past, tick, head)[0, length[0]]:
            return event
        past.add(np.zeros(1, np.int64), tick, head, length)
    return None


def _nothing(look: Lookahead) -> Past:
    return Past.empty(len(look.automaton.space.ticks), look.automaton.setting.rest)


def _numbers(look: Lookahead, event: Event) -> tuple[Ints, Ints, Ints]:
    """(1,) numbers of an event's onset, of itself and of its length."""
    space = look.automaton.space
    length = np.searchsorted(space.lengths, [event.ticks])
    return space.number[[event.onset]], np.array([look.automaton.event(event.pitch)]), length


def _end(encoding: Encoding) -> int:
    return clock_of(encoding).end


def _check_step(encoding: Encoding, timeline: Timeline) -> None:
    step = clock_of(encoding).step
    for meter, line in zip(timeline.meters, timeline.bar_lines, strict=True):
        if line % step or timeline.ticks % step:
            raise RequestError(f"bars of {meter} do not fit this model: its notes are multiples of {step} ticks")
