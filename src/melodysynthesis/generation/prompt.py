"""From a request and a primer to what the sampler is given: a frame and the tokens that are set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from melodysynthesis.constraints.base import clock_of
from melodysynthesis.encodings.base import Encoding, Frame, Group, Ids
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.music import TICKS_PER_QUARTER, Melody, Meter
from melodysynthesis.theory import find_key


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is known of one melody before it is generated.

    Attributes:
        frame: what the model is held to.
        ids: the primer's tokens, to be said after the frame's; empty for none.
        ticks: length of the primer.
        bars: the least number of bars that leaves room after the primer; 0 where no meter is known.
        held: whether the primer's last note may go on.
    """

    frame: Frame
    ids: Ids
    ticks: int = 0
    bars: int = 0
    held: bool = False


def prompt_for(encoding: Encoding, request: Request, primer: Melody | None) -> Prompt:
    """The prompt of one melody.

    Raises:
        RequestError: where primer, meter, pickup and bars contradict each other, or the encoding can't say them.
        EncodingError: where the encoding can't say the primer.
    """
    frame = _frame(encoding, request, primer)
    _check_encoding(encoding, frame)
    if primer is None:
        return Prompt(frame, np.empty(0, np.int64))
    melody = _in_frame(primer, frame)
    needed = bars_beyond(melody) if melody.meters and not request.meters else 0
    if frame.bars and needed > frame.bars:
        raise RequestError(
            f"the primer takes {primer.duration / TICKS_PER_QUARTER:g} quarters of {frame.meter}, which leaves nothing "
            f"of {frame.bars} bars: ask for {needed} or more"
        )
    return Prompt(frame, encoding.body(melody), primer.duration, needed, request.held)


def prompts_for(encoding: Encoding, request: Request, indices: Iterable[int]) -> dict[int, Prompt]:
    """The prompt of each melody by its number; raises what `generate` would raise for them."""
    prompts: dict[int, Prompt] = {}
    given: dict[int, Prompt] = {}  # by the primer's number
    for index in indices:
        number = index % max(len(request.primers), 1)
        if number not in given:
            given[number] = prompt_for(encoding, request, request.primers[number] if request.primers else None)
        prompts[index] = given[number]
    return prompts


def says_meters(encoding: Encoding) -> bool:
    """Whether key and meter are tokens of the encoding, so that a model can choose and follow them."""
    return bool((encoding.groups == Group.FRAME).any())


def in_common(encoding: Encoding, frame: Frame) -> Frame:
    """What of a frame the sequences of one batch must have in common: nothing, where it is said in tokens."""
    return Frame() if says_meters(encoding) else replace(frame, key=None)


def bars_beyond(melody: Melody) -> int:
    """The least number of bars of a melody that goes on after this one; a pickup and its complement count as one."""
    bars = list(melody.bars())
    if not bars or bars[-1].number == 0:
        return 1
    bar = bars[-1]
    # A melody of `number` bars ends with this one, less the pickup; each bar more moves its end by a bar.
    ends = bar.start + bar.meter.bar_ticks - melody.pickup
    return int(bar.number + max(0, (melody.duration - ends) // bar.meter.bar_ticks + 1))


def _frame(encoding: Encoding, request: Request, primer: Melody | None) -> Frame:
    key, meter, pickup, bars = request.key, request.first_meter, request.pickup, request.number_of_bars
    if primer is not None:
        # Grid text is in C major or A minor already for the models that were trained on it.
        raw = request.held and encoding.name == "grid"
        key = key or primer.key or (None if raw else find_key(primer))
        if meter is None and primer.meters:
            meter = primer.meters[0]
        if pickup is None and meter is not None:
            pickup = primer.pickup
    if pickup and meter is None:
        raise RequestError("a pickup needs a meter, and the primer has none: add one, such as 3/4")
    if meter is not None and pickup and pickup >= meter.bar_ticks:
        raise RequestError(f"a pickup of {pickup / TICKS_PER_QUARTER:g} quarters is no shorter than a bar of {meter}")
    if bars and meter is None and (primer is not None or not says_meters(encoding)):
        whose = "the primer" if primer is not None else "this model"
        raise RequestError(f"{bars} bars need a meter, and {whose} says none: add one, such as 4/4")
    return Frame(key, meter, pickup, bars)


def _in_frame(primer: Melody, frame: Frame) -> Melody:
    """The primer as it is said in the frame: its pitches relative to the frame's key, in the frame's meter."""
    meters: tuple[Meter, ...] = primer.meters
    if frame.meter is not None and meters[:1] != (frame.meter,):
        if len(meters) > 1:
            raise RequestError(f"the primer changes its meter: it can't be continued in {frame.meter} from its start")
        meters = (frame.meter,)
    return replace(primer, key=frame.key, meters=meters, pickup=(frame.pickup or 0) if meters else 0)


def _check_encoding(encoding: Encoding, frame: Frame) -> None:
    step = clock_of(encoding).step
    pickup = frame.pickup or 0
    for ticks, what in (
        (frame.meter.bar_ticks if frame.meter else 0, f"a bar of {frame.meter}"),
        (pickup, f"a pickup of {pickup / TICKS_PER_QUARTER:g} quarters"),
    ):
        if ticks % step:
            raise RequestError(f"{what} is no multiple of {step / TICKS_PER_QUARTER:g} quarters, its step")
