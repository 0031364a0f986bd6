"""The way of melodies that keep rules, before the first note is drawn: tables, what is given, start and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import Event
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.constraints.token_masks import clock_of
from melodysynthesis.encodings.base import Encoding, Header
from melodysynthesis.encodings.event import sounds, tonic_shift
from melodysynthesis.encodings.event_tokens import KINDS, Kind
from melodysynthesis.encodings.grid import shift_to_c
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.compile import (
    COMMON_PITCHES,
    ConstraintProblem,
    build_problem,
    history_rules_of,
    looks_back,
    usual_lengths,
)
from melodysynthesis.generation.form import Form
from melodysynthesis.generation.known_sections import KnownSections
from melodysynthesis.generation.prompt import prompt_for, says_meters
from melodysynthesis.generation.refusals import tables_for, together_with_given
from melodysynthesis.generation.request import NEW, Request
from melodysynthesis.generation.stepper import EventHistory, HistoryRule, Start
from melodysynthesis.music import Melody, Note
from melodysynthesis.theory import find_key

Numbers = tuple[int, int, int]
"""Of an event: its onset, itself and its length; see `Automaton`."""


@dataclass(frozen=True)
class GenerationTask:
    """All that the melodies of a batch have in common.

    Attributes:
        problem: the rules, and what is given.
        begin: tick of the first event that is free.
        end: tick at which the free part ends.
        prefix: tokens before it, the start token left out.
        suffix: tokens behind it.
        header: key, meter, pickup and bars.
        phrase_ends: of what is given, for encodings that don't say them.
        moved: semitones by which the model says pitches higher than they are.
    """

    problem: ConstraintProblem
    begin: int
    end: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    header: Header
    phrase_ends: tuple[int, ...] = ()
    moved: int = 0

    @cached_property
    def look(self) -> Lookahead:
        """Ahead of the rules.

        Raises:
            RequestError: if no melody keeps them.
        """
        return tables_for(self.problem)

    @cached_property
    def start(self) -> Start:
        """Where particles begin."""
        number, history = self.look.automaton.space.number, _nothing(self.look)
        before = [event for event in self.problem.given if event.onset < self.begin]
        for event in before:
            history.add(np.zeros(1, np.int64), *np.array(_numbers(self.look, event))[:, None])
        state, until = self.look.run(before), int(number[self.end])
        return Start(int(number[self.begin]), state, history, until, self.suffix, self.moved)

    @cached_property
    def history_rules(self) -> tuple[HistoryRule, ...]:
        """The rules that look back further than an automaton can, as melodies are drawn."""
        return history_rules_of(self.problem, self.look)

    @cached_property
    def known_sections(self) -> KnownSections | None:
        """The look-ahead where a form repeats what was written; None without a form."""
        form = next((rule for rule in self.history_rules if isinstance(rule, Form)), None)
        return None if form is None else KnownSections(self.look, form)

    @property
    def timeline(self) -> Timeline:
        """The bars."""
        return self.problem.timeline

    def check(self) -> Self:
        """Itself, if the rules can be kept by themselves and together with what is given before the free part.

        Raises:
            RequestError: if not.
        """
        given = [event for event in self.problem.given if event.onset < self.begin]
        for rule in history_rules_of(self.problem._replace(early=False), self.look):
            broken = first_broken(self.look, rule, [_numbers(self.look, event) for event in given])
            if broken is not None:
                raise together_with_given(rule.name, self.problem, given[broken])
        return self

    def keeps_to_the_end(self, drawn: Sequence[Numbers]) -> bool:
        """Whether rules that look back are kept in what is given behind the events that were drawn, too."""
        if not looks_back(self.problem, self.look) or self.end == self.timeline.ticks:
            return True
        behind = [_numbers(self.look, event) for event in self.problem.given if event.onset >= self.end]
        history_rules = history_rules_of(self.problem._replace(early=False), self.look)
        return all(first_broken(self.look, rule, [*drawn, *behind]) is None for rule in history_rules)

    def event(self, numbers: Numbers) -> Event:
        """The note or rest of some numbers."""
        tick, event, length = numbers
        space, context = self.look.automaton.space, self.look.automaton.context
        pitch = None if event == context.rest else int(context.pitches[event])
        return Event(int(space.ticks[tick]), int(space.lengths[length]), pitch)

    def melody(self, encoding: Encoding, ids: Sequence[int]) -> Melody:
        """The melody that tokens say."""
        melody = encoding.decode(ids, self.header)
        if says_meters(encoding):
            return melody
        meters = (self.timeline.meters[0], *self.timeline.changes)
        return replace(melody, meters=meters, phrase_ends=self.phrase_ends)


def bars_of(request: Request, header: Header) -> Timeline:
    """The bars that a request and a header say."""
    assert header.meter is not None
    if request.meters:
        meters = [span.meter for span in request.meters for _ in range(span.number)]
    else:
        meters = [header.meter] * (header.bars or 0)
    return Timeline.of_bars(meters, header.pickup or 0)


def events_of(melody: Melody, start: int = 0, end: int | None = None) -> tuple[Event, ...]:
    """Notes and rests within a stretch of a melody, cut at its ends."""
    end = melody.duration if end is None else end
    cuts = ((max(a, start), min(b, end), pitch) for a, b, pitch in sounds(melody))
    return tuple(Event(a, b - a, pitch) for a, b, pitch in cuts if a < b)


def for_primer(
    encoding: Encoding, request: Request, header: Header, primer: Melody | None, corpus: str
) -> GenerationTask:
    """The task of melodies in a header, after a primer.

    Raises:
        RequestError: if no melody keeps the rules, or the encoding can't say the header.
    """
    timeline = bars_of(request, header)
    _check_step(encoding, timeline)
    problem = build_problem(
        encoding, request, timeline, header.key, given=events_of(primer) if primer else (), corpus=corpus
    )
    prefix = _header_ids(encoding, header, timeline)
    if primer is not None:
        meters = (timeline.meters[0], *(meter for meter in timeline.changes if meter.tick < primer.duration))
        in_bars = replace(primer, key=header.key, meters=meters, pickup=timeline.pickup)
        prefix += tuple(encoding.body(in_bars).tolist())
    ends = primer.phrase_ends if primer else ()
    begin = primer.duration if primer else 0
    return GenerationTask(problem, begin, timeline.ticks, prefix, (clock_of(encoding).end,), header, ends).check()


def for_infill(encoding: Encoding, request: Request, corpus: str) -> GenerationTask:
    """The task of melodies that are given but for some bars.

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
    given = events_of(melody, 0, start) + events_of(melody, end)
    bars_end = next(bar.end for bar in melody.bars() if bar.number == request.rewrite[1])
    problem = build_problem(encoding, request, timeline, melody.key, given=given, corpus=corpus)._replace(
        held=(bars_end, end), judged=(start, end) if request.rules_for == NEW else None
    )
    filler = Note(start, end - start, 60 + tonic_shift(melody.key))
    if not says_meters(encoding):
        filler = filler._replace(pitch=60 - shift_to_c(melody.key))
    notes = sorted([*(note for note in melody.notes if not start <= note.onset < end), filler])
    ends = tuple(tick for tick in melody.phrase_ends if not start < tick < end)
    ids = encoding.unplanned().encode(replace(melody, notes=tuple(notes), phrase_ends=ends)).tolist()
    before, after = _split_ids(encoding, ids, start, end)
    header = Header(melody.key, timeline.meters[0], timeline.pickup, len(timeline.meters))
    return GenerationTask(problem, start, end, before, after, header, ends).check()


def for_response(encoding: Encoding, request: Request, phrase: Melody, corpus: str, moved: int) -> GenerationTask:
    """The task of answers to a played phrase. An answer by itself keeps the rules; the phrase need not.

    Its ticks count from where it begins, its bars from its first bar line on; what is left of a bar is its pickup.
    In a form its last bar is short by that, so that sections can be equal; else it ends where the phrase ends.

    Args:
        encoding: of the model.
        request: rules, and the number of bars of the whole.
        phrase: the played notes up to the answer, as they are given to the model.
        corpus: name of the one that the model was trained on.
        moved: semitones by which the pitches given to the model are higher than those played.

    Raises:
        RequestError: if no answer keeps the rules, or the encoding can't say the header.
    """
    prompt = prompt_for(encoding, request, phrase)
    whole = bars_of(request, prompt.header)
    timeline = whole.after(phrase.duration)
    if request.form:
        timeline = Timeline.of_bars(timeline.meters, timeline.pickup)
    _check_step(encoding, timeline)
    problem = build_problem(encoding, request, timeline, prompt.header.key, corpus=corpus)
    low, high = (0, 127) if request.range or request.fixed else COMMON_PITCHES
    chosen = (pitch for pitch in problem.pitches if low <= pitch <= high)
    shifted = tuple(pitch - moved for pitch in chosen if 0 <= pitch - moved <= 127)
    prefix = (*_header_ids(encoding, prompt.header, whole), *prompt.ids.tolist())
    end = (clock_of(encoding).end,)
    problem = problem._replace(pitches=shifted, loose=True, usual_lengths=usual_lengths(problem))
    return GenerationTask(problem, 0, timeline.ticks, prefix, end, prompt.header, moved=moved).check()


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


def _split_ids(encoding: Encoding, ids: Sequence[int], start: int, end: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
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
    """Number of the first token that is no part of the header."""
    return next(number for number, token in enumerate(ids) if number and _is_head(encoding, token))


def _is_head(encoding: Encoding, token: int) -> bool:
    return not says_meters(encoding) or KINDS[token] in (Kind.PITCH, Kind.REST)


def _header_ids(encoding: Encoding, header: Header, timeline: Timeline) -> tuple[int, ...]:
    """Tokens before the first note."""
    if not says_meters(encoding):
        return ()
    note = Note(0, timeline.ticks, 60 + tonic_shift(header.key))
    meters = (timeline.meters[0], *timeline.changes)
    ids = encoding.encode(Melody((note,), timeline.ticks, meters, header.key, (), timeline.pickup)).tolist()
    return tuple(ids[1 : _body(encoding, ids)])


def first_broken(look: Lookahead, rule: HistoryRule, events: Sequence[Numbers]) -> int | None:
    """Which of the events, from the start of a melody on, a rule is the first not to allow; None if it allows all."""
    history = _nothing(look)
    for number, event in enumerate(events):
        tick, head, length = np.array(event)[:, None]
        if not rule.may_begin(history, tick)[0, head[0]] or not rule.may_last(history, tick, head)[0, length[0]]:
            return number
        history.add(np.zeros(1, np.int64), tick, head, length)
    return None


def _nothing(look: Lookahead) -> EventHistory:
    return EventHistory.empty(len(look.automaton.space.ticks), look.automaton.context.rest)


def _numbers(look: Lookahead, event: Event) -> Numbers:
    space = look.automaton.space
    length = int(np.searchsorted(space.lengths, event.ticks))
    return int(space.number[event.onset]), look.automaton.event(event.pitch), length


def _check_step(encoding: Encoding, timeline: Timeline) -> None:
    step = clock_of(encoding).step
    for meter, line in zip(timeline.meters, timeline.bar_lines, strict=True):
        if line % step or timeline.ticks % step:
            raise RequestError(f"bars of {meter} do not fit this model: its notes are multiples of {step} ticks")
