"""The header of a melody with rules: what is requested, and for the rest what the model chooses and the rules allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from melodysynthesis.constraints.rules import RULES
from melodysynthesis.encodings.base import Header
from melodysynthesis.encodings.event_tokens import KINDS, MAX_BARS, TONICS, VALUES, Kind
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.compile import build_problem, tables
from melodysynthesis.generation.prompt import Prompt, says_meters
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import bars_of, events_of
from melodysynthesis.generation.unconstrained import UnconstrainedBatch
from melodysynthesis.music import MODES, Key, Melody, Meter
from melodysynthesis.runtime.base import Engine

WITHOUT_METER = Header(meter=Meter(0, 4, 4), pickup=0, bars=8)
"""Replaces the header of a model that would write without meter, as rules need one."""
MOST_BARS = 32
"""Bars that a model may choose."""
OTHER_BARS = (8, 16, 4, 12, 6, 10, 24, 32, 20, 2, 3, 5, 7, 9, 1)
"""Numbers of bars that are tried where no melody of the model's choice keeps the rules."""


def headers_of(engine: Engine, request: Request, prompts: dict[int, Prompt]) -> dict[int, Header]:
    """The header of each melody: the requested parts, and the model's choice of the rest, the pickup included."""
    headers = {index: prompt.header for index, prompt in prompts.items()}
    needs_key = any(RULES[name].needs_key for name in request.rules)
    if not says_meters(engine.encoding):
        if any(one.meter is None or not one.bars or (needs_key and one.key is None) for one in headers.values()):
            raise RequestError("this model chooses neither key nor meter: with rules, give key, meter and bars")
        return {index: replace(header, pickup=header.pickup or 0) for index, header in headers.items()}
    open_ones = [
        index
        for index, header in headers.items()
        if header.meter is None or not header.bars or header.pickup is None or (needs_key and header.key is None)
    ]
    if not open_ones:
        return headers
    chosen = _chosen_headers(engine, request, [prompts[i] for i in open_ones], open_ones)
    for index, choice in zip(open_ones, chosen, strict=True):
        was = headers[index]
        headers[index] = Header(
            was.key or choice.key or Key("G"),
            was.meter or choice.meter,
            was.pickup if was.pickup is not None else (choice.pickup if was.meter in (None, choice.meter) else 0),
            was.bars or choice.bars,
        )
        if request.meters and (headers[index].pickup or 0) >= request.meters[-1].meter.bar_ticks:
            headers[index] = replace(headers[index], pickup=0)  # the last bar could not complete it
    return headers


def _chosen_headers(
    engine: Engine, request: Request, prompts: Sequence[Prompt], indices: Sequence[int]
) -> list[Header]:
    """What the model writes before the first note, for each melody."""
    free = UnconstrainedBatch(request.model_copy(update={"max_steps": None}), dict(zip(indices, prompts, strict=True)))
    particles, headers = free.start(engine), dict[int, Header]()
    while len(headers) < len(indices):
        particles.step()
        for row, place in enumerate(particles.melodies.tolist()):
            tokens = particles.tokens(row)[1:]
            if place not in headers and KINDS[tokens[-1]] in (Kind.BARS, Kind.FREE):
                headers[place] = _header_of(tokens)
    return [headers[place] for place in range(len(indices))]


def _header_of(tokens: Sequence[int]) -> Header:
    values = {Kind(KINDS[token]): int(VALUES[token]) for token in tokens}
    pickup = sum(int(VALUES[token]) for token in tokens if KINDS[token] == Kind.DURATION)
    tonic, mode = values.get(Kind.TONIC, 0), values.get(Kind.MODE, 0)
    key = Key(TONICS[tonic - 1], MODES[mode - 1]) if tonic and mode else None
    if Kind.BARS not in values:
        return replace(WITHOUT_METER, key=key)
    bars = values[Kind.BARS] if 1 <= values[Kind.BARS] < MAX_BARS else MOST_BARS
    return Header(key, Meter(0, values[Kind.BEATS], values[Kind.UNIT]), pickup, min(bars, MOST_BARS))


def fitting(engine: Engine, request: Request, header: Header, primer: Melody | None) -> Header:
    """The header if the rules can be kept in it, else the nearest one: only parts that were not requested change."""
    candidates = [header]
    if request.number_of_bars is None:
        candidates += [replace(header, bars=bars) for bars in OTHER_BARS]
    if request.pickup is None and primer is None:
        candidates += [replace(candidate, pickup=0) for candidate in candidates]
    for candidate in candidates:
        bars, given = bars_of(request, candidate), events_of(primer) if primer else ()
        problem = build_problem(engine.encoding, request, bars, candidate.key, given=given, corpus=engine.card.corpus)
        if tables(problem) is not None:
            return candidate
    return header
