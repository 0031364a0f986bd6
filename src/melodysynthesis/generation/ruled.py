"""Melodies that keep rules: frames, courses and batches for `steered`, and whole melodies from what it draws."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import numpy as np

from melodysynthesis.encodings.base import Encoding, Frame
from melodysynthesis.encodings.event_tokens import KINDS, MAX_BARS, TONICS, VALUES, Kind
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.conflict import perhaps, refusal
from melodysynthesis.generation.course import Course, bars_of, course_for, course_within, events_of
from melodysynthesis.generation.generated import Generated, Steering
from melodysynthesis.generation.guided import draw_guided
from melodysynthesis.generation.plan import asked_for, looks_back, tables
from melodysynthesis.generation.prompt import Prompt, prompts_for, says_meters
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.sampler import sample
from melodysynthesis.generation.search import MOST, Search, UndecidedError, known
from melodysynthesis.generation.steered import Drawn, draw, particles_of
from melodysynthesis.music import MODES, Key, Melody, Meter
from melodysynthesis.runtime.base import Engine

ROWS = 1024
"""Particles that are stepped together."""
USUAL = Frame(meter=Meter(0, 4, 4), pickup=0, bars=8)
"""Where a model would write without meter, which rules can't do."""
LONGEST = 32
"""Bars that a model may choose."""
OTHER_BARS = (8, 16, 4, 12, 6, 10, 24, 32, 20, 2, 3, 5, 7, 9, 1)
"""Numbers of bars that are tried where no melody of the model's choice keeps the rules."""


def generate_ruled(
    engine: Engine, request: Request, indices: Sequence[int], advance: Callable[[int], None] = lambda done: None
) -> list[Generated]:
    """Some of the melodies of a request with rules, by their numbers; see `generate.generate_only`.

    Raises:
        RequestError: if no melody keeps the rules, naming a smallest set of them that conflicts.
    """
    made: list[Generated] = []
    for course, members in courses_for(engine, request, indices):
        for batch in _batches(members, ROWS // particles_of(request)):
            drawn = _drawn(engine, course, request, batch)
            made += [_generated(engine.encoding, course, request, index, drawn[index]) for index in batch]
            advance(len(made))
    return sorted(made, key=lambda one: one.index)


def _batches(members: list[int], most: int) -> Iterable[list[int]]:
    size = max(most, 1)
    return (members[start : start + size] for start in range(0, len(members), size))


def _drawn(engine: Engine, course: Course, request: Request, indices: Sequence[int]) -> dict[int, tuple[Drawn, int]]:
    """What was drawn for each index, and at which attempt."""
    return {
        index: (drawn, 1)
        if drawn is not None and course.keeps_to_the_end(drawn.events)
        else _drawn_again(engine, course, request, index)
        for index, drawn in zip(indices, draw(engine, course, request, indices), strict=True)
    }


def _drawn_again(engine: Engine, course: Course, request: Request, index: int) -> tuple[Drawn, int]:
    """A melody by a complete search, where particles came to nothing."""
    return draw_guided(engine, course, request, index, searched(course)), 2


def searched(course: Course) -> Search:
    """A search that has found a melody of a course.

    Raises:
        RequestError: if there is no such melody, or it is too much to find out whether there is.
    """
    try:
        search = known(course.asked)
    except UndecidedError:
        names = ", ".join(name.replace("_", "-") for name in course.asked.rules)
        line = f"no melody was found that keeps {names}, nor that none does: {MOST:,} beginnings were looked at"
        raise RequestError(line, course.asked.rules) from None
    if search is None:
        raise refusal(course.asked)
    return search.copy()


def check_ruled(engine: Engine, request: Request) -> None:
    """Raise what `generate_ruled` would raise, as far as is found out soon; the rest shows when melodies are made."""
    for course, _ in courses_for(engine, request, [0]):
        if looks_back(course.asked, course.look) and not perhaps(course.asked):
            raise refusal(course.asked)


def courses_for(engine: Engine, request: Request, indices: Sequence[int]) -> list[tuple[Course, list[int]]]:
    """The course of each melody, and which melodies share it."""
    encoding = engine.encoding
    if request.within is not None:
        return [(course_within(encoding, request, engine.card.corpus), list(indices))]
    prompts = prompts_for(encoding, request, indices)
    frames = _frames(engine, request, prompts)
    shared: dict[tuple[int, Frame], list[int]] = {}
    for index in indices:
        shared.setdefault((index % max(len(request.primers), 1), frames[index]), []).append(index)
    courses = []
    for (number, frame), members in shared.items():
        primer = request.primers[number] if request.primers else None
        fitting = _fitting(engine, request, frame, primer)
        courses.append((course_for(encoding, request, fitting, primer, engine.card.corpus), members))
    return courses


def _frames(engine: Engine, request: Request, prompts: dict[int, Prompt]) -> dict[int, Frame]:
    """The frame of each melody: what was asked for, and the model's choice of the rest."""
    frames = {index: prompt.frame for index, prompt in prompts.items()}
    needs_key = request.scale is not None or request.cadence
    open_ones = [i for i, f in frames.items() if f.meter is None or not f.bars or (needs_key and f.key is None)]
    if not open_ones:
        return {index: replace(frame, pickup=frame.pickup or 0) for index, frame in frames.items()}
    if not says_meters(engine.encoding):
        raise RequestError("this model says neither key nor meter: with rules, ask for key, meter and bars")
    chosen = _chosen_frames(engine, request, [prompts[i] for i in open_ones], open_ones)
    for index, choice in zip(open_ones, chosen, strict=True):
        was = frames[index]
        frames[index] = Frame(
            was.key or choice.key or Key("G"),
            was.meter or choice.meter,
            was.pickup if was.pickup is not None else (choice.pickup if was.meter in (None, choice.meter) else 0),
            was.bars or choice.bars,
        )
    return {index: replace(frame, pickup=frame.pickup or 0) for index, frame in frames.items()}


def _chosen_frames(engine: Engine, request: Request, prompts: Sequence[Prompt], indices: Sequence[int]) -> list[Frame]:
    """What the model says before the first note."""
    said: list[list[int]] = [[] for _ in indices]
    waiting = set(range(len(indices)))
    plain = request.model_copy(update={"max_steps": None})
    for step in sample(engine, plain, prompts, np.array(indices)):
        for row, token in zip(step.rows.tolist(), step.ids.tolist(), strict=True):
            if row in waiting:
                said[row].append(token)
                if KINDS[token] in (Kind.BARS, Kind.FREE):
                    waiting.discard(row)
        if not waiting:
            break
    return [_frame_of(tokens) for tokens in said]


def _frame_of(tokens: Sequence[int]) -> Frame:
    values = {Kind(KINDS[token]): int(VALUES[token]) for token in tokens}
    pickup = sum(int(VALUES[token]) for token in tokens if KINDS[token] == Kind.DURATION)
    tonic, mode = values.get(Kind.TONIC, 0), values.get(Kind.MODE, 0)
    key = Key(TONICS[tonic - 1], MODES[mode - 1]) if tonic and mode else None
    if Kind.BARS not in values:
        return replace(USUAL, key=key)
    bars = values[Kind.BARS] if 1 <= values[Kind.BARS] < MAX_BARS else LONGEST
    return Frame(key, Meter(0, values[Kind.BEATS], values[Kind.UNIT]), pickup, min(bars, LONGEST))


def _fitting(engine: Engine, request: Request, frame: Frame, primer: Melody | None) -> Frame:
    """The frame, or the nearest to it of what was not asked for, in which the rules can be kept."""
    candidates = [frame]
    if request.number_of_bars is None:
        candidates += [replace(frame, bars=bars) for bars in OTHER_BARS]
    if request.pickup is None and primer is None:
        candidates += [replace(candidate, pickup=0) for candidate in candidates]
    for candidate in candidates:
        bars, given = bars_of(request, candidate), events_of(primer) if primer else ()
        asked = asked_for(engine.encoding, request, bars, candidate.key, given=given, corpus=engine.card.corpus)
        if tables(asked) is not None:
            return candidate
    return frame


def _generated(encoding: Encoding, course: Course, request: Request, index: int, found: tuple[Drawn, int]) -> Generated:
    drawn, attempts = found
    melody = course.melody(encoding, drawn.ids)
    first = bisect_left(melody.notes, course.begin, key=itemgetter(0))
    return Generated(
        index=index,
        melody=replace(melody, source=f"{Path(request.model).stem}, seed {request.seed}, number {index + 1}"),
        ids=drawn.ids,
        request=request.only(index),
        frame=course.frame,
        ended=True,
        drawn=drawn.drawn,
        log_likelihood=drawn.log_likelihood,
        notes_drawn=len(melody.notes) - first,
        steering=Steering(particles_of(request), drawn.effective_size, drawn.log_probability, attempts),
    )
