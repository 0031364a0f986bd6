"""What is given before the first drawn note: primers of the user, header and tokens for the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from melodysynthesis import formats
from melodysynthesis.constraints.token_masks import clock_of
from melodysynthesis.encodings.base import Encoding, Header, Ids
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.music import TICKS_PER_QUARTER, Melody, Meter
from melodysynthesis.notation import looks_like_notes, parse_notes
from melodysynthesis.theory import find_key


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is known of one melody before it is generated.

    Attributes:
        header: the key, meter, pickup and bars that are prescribed to the model.
        ids: the primer's tokens, written after the header's; empty for none.
        ticks: length of the primer.
        bars: the least number of bars that leaves room after the primer; 0 where no meter is known.
        held: whether the primer's last note may go on.
    """

    header: Header
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
    header = _header(encoding, request, primer)
    _check_encoding(encoding, header)
    if request.plan is not None:
        encoding.plan_ids(request.plan)  # refuses where there are no plans
    if primer is None:
        return Prompt(header, np.empty(0, np.int64))
    melody = _with_header(primer, header)
    needed = bars_beyond(melody) if melody.meters and not request.meters else 0
    if header.bars and needed > header.bars:
        raise RequestError(
            f"the primer takes {primer.duration / TICKS_PER_QUARTER:g} quarters of {header.meter}, which leaves "
            f"nothing of {header.bars} bars: set bars to {needed} or more"
        )
    return Prompt(header, encoding.body(melody), primer.duration, needed, request.held)


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
    return encoding.has_header


def in_common(encoding: Encoding, header: Header) -> Header:
    """The part of a header that all sequences of a batch must share: nothing, where the header is written in tokens."""
    return Header() if says_meters(encoding) else replace(header, key=None)


def bars_beyond(melody: Melody) -> int:
    """The least number of bars of a melody that goes on after this one; a pickup and its complement count as one."""
    bars = list(melody.bars())
    if not bars or bars[-1].number == 0:
        return 1
    bar = bars[-1]
    # A melody of `number` bars ends with this one, less the pickup; each bar more moves its end by a bar.
    ends = bar.start + bar.meter.bar_ticks - melody.pickup
    return int(bar.number + max(0, (melody.duration - ends) // bar.meter.bar_ticks + 1))


def _header(encoding: Encoding, request: Request, primer: Melody | None) -> Header:
    key, meter, pickup, bars = request.key, request.first_meter, request.pickup, request.number_of_bars
    if primer is not None:
        # Grid text is in C major or A minor already for the models that were trained on it.
        raw = request.held and encoding.is_text
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
    return Header(key, meter, pickup, bars)


def _with_header(primer: Melody, header: Header) -> Melody:
    """The primer as it is written in the header: its pitches relative to the header's key, in the header's meter."""
    meters: tuple[Meter, ...] = primer.meters
    if header.meter is not None and meters[:1] != (header.meter,):
        if len(meters) > 1:
            raise RequestError(f"the primer changes its meter: it can't be continued in {header.meter} from its start")
        meters = (header.meter,)
    return replace(primer, key=header.key, meters=meters, pickup=(header.pickup or 0) if meters else 0)


def _check_encoding(encoding: Encoding, header: Header) -> None:
    step = clock_of(encoding).step
    pickup = header.pickup or 0
    for ticks, what in (
        (header.meter.bar_ticks if header.meter else 0, f"a bar of {header.meter}"),
        (pickup, f"a pickup of {pickup / TICKS_PER_QUARTER:g} quarters"),
    ):
        if ticks % step:
            raise RequestError(f"{what} is no multiple of {step / TICKS_PER_QUARTER:g} quarters, its step")


class Primers(NamedTuple):
    """What was given: the melodies, whether a last note may go on, and what a reader had to decide."""

    melodies: tuple[Melody, ...]
    held: bool
    notices: tuple[str, ...]


def primers_from(text: str, part: str | None = None, called: str = "primer") -> Primers:
    """The primers of inline notes or of a file.

    Args:
        text: such as "G4:1 A4:1/2", or the name of a file in any format that can be read. A file of that name wins.
        part: the part or track of the file.
        called: its name in messages.

    Raises:
        RequestError: if the text is neither.
        FormatError: if the file can't be read, or any tune in it.
    """
    if not text.strip():
        raise RequestError(f"the {called} is empty: give notes such as 'G4:1 A4:1/2', or a file")
    if not _is_file(text) and looks_like_notes(text):
        return Primers((parse_notes(text),), False, ())
    try:
        reading = formats.read(text, part)
    except FormatError as error:
        if error.kind == "no such file" and not Path(text).suffix:
            raise RequestError(f"{called} {text[:60]!r} is neither notes such as 'G4:1 A4:1/2' nor a file") from None
        raise
    if reading.problems:  # which melody continues which primer must not depend on what could be read
        raise reading.problems[0]
    held = formats.format_of(text).name == "grid"
    return Primers(tuple(reading.melodies), held, tuple(reading.notices))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or a null character
        return False
