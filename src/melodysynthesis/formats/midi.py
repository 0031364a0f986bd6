"""Standard MIDI files.

Written: one track named "Melody", 480 pulses to the quarter, quarter = 120, time and key signatures. What
MIDI has no event for is said by markers, which a DAW shows on its time line:

    phrase end      a phrase ends here
    melody end      the melody ends here, rests included
    pickup          the pickup bar ends here
    key D dorian    at the start: the key, where a key signature can't say it (modes, theoretical signatures)
    no meter        at the start: there is no time signature, and 4/4 is not meant

A pickup is a short first bar: a time signature of its length stands at the start and the meter after it, as
notation programs write it, so the bar lines are right in every program. A pickup that no time signature can
say (a triplet) has the marker only.

Read: a file with a `melody end` marker is one of ours and comes back as it was. In any other file, onsets
and ends are rounded to 24 ticks a quarter; `parts` says how part and line are chosen (tracks of one name
are one part); the melody ends with the bar of its last note; a first time signature that holds for just one
bar, shorter than the next one's, is a pickup; and where there is no time signature it is 4/4, MIDI's
default. The key is the first signature's.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.limits import check_file_size, check_length
from melodysynthesis.formats.notation import MAX_SIGNATURE, key_of, usual_signature
from melodysynthesis.formats.parts import Part, choose, top_line
from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    TICKS_PER_QUARTER,
    TICKS_PER_WHOLE,
    Key,
    Melody,
    Meter,
    Note,
)
from melodysynthesis.theory import SCALES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from symusic.core import ScoreTick

PULSES_PER_QUARTER = 480
QUARTERS_PER_MINUTE = 120
VELOCITY = 80
TRACK_NAME = "Melody"
PHRASE_END, END, PICKUP, KEY, NO_METER = "phrase end", "melody end", "pickup", "key ", "no meter"
"""The markers. `KEY` is followed by tonic and mode."""

MAX_MIDI_BYTES = 16 * 2**20
_PULSES_PER_TICK = PULSES_PER_QUARTER // TICKS_PER_QUARTER
_COMMON_TIME = Meter(0, 4, 4)

Markers = list[tuple[int, str]]
"""Tick and text, in order."""


class Frame(NamedTuple):
    """What stands around the notes: the fields of `Melody` of these names."""

    duration: int
    meters: tuple[Meter, ...]
    phrase_ends: tuple[int, ...]
    pickup: int


def write(melody: Melody) -> bytes:
    """A MIDI file of one track.

    Raises:
        FormatError: kind ``"too large"``, if the melody is longer than could be read again.
    """
    import symusic

    check_length(len(melody.notes), melody.duration, melody.source)
    score: Any = symusic.Score(PULSES_PER_QUARTER)
    track: Any = symusic.Track(TRACK_NAME)
    onset, duration, pitch = melody.note_array().T
    times = (onset * _PULSES_PER_TICK, duration * _PULSES_PER_TICK)
    track.notes = symusic.Note.from_numpy(*times, pitch.astype(np.int8), np.full(len(pitch), VELOCITY, np.int8))
    score.tracks.append(track)
    score.tempos.append(symusic.Tempo(0, QUARTERS_PER_MINUTE))
    for tick, beats, beat_unit in _written_meters(melody):
        score.time_signatures.append(symusic.TimeSignature(tick * _PULSES_PER_TICK, beats, beat_unit))
    if melody.key is not None:
        is_minor = _is_minor(melody.key)
        score.key_signatures.append(symusic.KeySignature(0, usual_signature(melody.key), is_minor))
    for tick, text in _written_markers(melody):
        score.markers.append(symusic.TextMeta(tick * _PULSES_PER_TICK, text))
    return bytes(score.dumps_midi())


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """The melody of a MIDI file, by the rules above.

    Raises:
        FormatError: if this is no MIDI file, or damaged, or in SMPTE time, or has no notes, or no such part.
    """
    check_file_size(len(data), source, MAX_MIDI_BYTES)
    score = _parse(data, source)
    markers = [(_tick(marker.time, score.tpq), marker.text) for marker in score.markers]
    is_ours = any(text == END for _, text in markers)
    notes, notices = _chosen_notes(score, source, part, is_type_0=data[8:10] == b"\0\0", may_be_empty=is_ours)
    meters = _meters(score, notices)
    if not meters and (0, NO_METER) not in markers:
        notices.append("no time signature: read as 4/4, MIDI's default")
        meters = [_COMMON_TIME]
    frame = _our_frame(notes, meters, markers) if is_ours else _foreign_frame(notes, meters, notices)
    melody = Melody(notes, key=_key(score, markers), source=source, **frame._asdict())
    return Reading([melody], notices=[f"{source}: {notice}" for notice in notices])


FORMAT = Format(
    "midi",
    (".mid", ".midi", ".smf", ".kar"),
    read,
    write,
    frozenset({"duration", "meters", "key", "phrase_ends", "pickup"}),
)


def _is_minor(key: Key) -> bool:
    """Whether the third is minor: MIDI knows only two modes."""
    return SCALES[key.mode][2] == 3


def _written_meters(melody: Melody) -> list[Meter]:
    """The melody's meters, after a short bar for the pickup where a time signature can say it."""
    meters = list(melody.meters)
    if not melody.pickup or (len(meters) > 1 and meters[1].tick <= melody.pickup):
        return meters
    beats, beat_unit = Fraction(melody.pickup, TICKS_PER_WHOLE).as_integer_ratio()
    scale = max(1, meters[0].beat_unit // beat_unit)  # half a bar of 4/4 is 2/4, not 1/2
    if beat_unit * scale not in BEAT_UNITS or beats * scale > MAX_BEATS:
        return meters
    return [Meter(0, beats * scale, beat_unit * scale), meters[0]._replace(tick=melody.pickup), *meters[1:]]


def _written_markers(melody: Melody) -> Markers:
    markers = [(tick, PHRASE_END) for tick in melody.phrase_ends]
    if not melody.meters:
        markers.append((0, NO_METER))
    key = melody.key
    if key is not None and key != _key_of(usual_signature(key), _is_minor(key)):
        markers.append((0, f"{KEY}{key}"))
    if melody.pickup:
        markers.append((melody.pickup, PICKUP))
    return [*sorted(markers), (melody.duration, END)]


def _parse(data: bytes, source: str) -> ScoreTick:
    import symusic

    if data[:4] != b"MThd":
        raise FormatError("no MIDI file: it does not start with 'MThd'", source, "not MIDI")
    try:
        score = cast("ScoreTick", symusic.Score.from_midi(data))
    except (RuntimeError, ValueError, MemoryError) as error:
        reason = str(error).removeprefix("MiniMidi: ").removesuffix(": iostream error").splitlines()[0]
        raise FormatError(f"damaged MIDI: {reason[:200]}", source, "damaged MIDI") from None
    if score.tpq <= 0:
        raise FormatError("its header says 0 ticks a quarter: expected 1 to 32,767", source, "damaged MIDI")
    if score.start() < 0:  # symusic counts in 32 bits and wraps around
        raise FormatError("its delta times add up to more than 31 bits", source, "too large")
    check_length(0, _tick(score.end(), score.tpq), source)
    return score


def _tick(pulse: int, pulses_per_quarter: int) -> int:
    """The nearest tick; halves go up."""
    return (2 * pulse * TICKS_PER_QUARTER + pulses_per_quarter) // (2 * pulses_per_quarter)


def _chosen_notes(
    score: ScoreTick, source: str, wanted: str | None, is_type_0: bool, may_be_empty: bool
) -> tuple[tuple[Note, ...], list[str]]:
    """The top line of the chosen part, in ticks, and what had to be decided."""
    tracks = _tracks(score, is_type_0)
    if not tracks:
        if may_be_empty and wanted is None:
            return (), []
        raise FormatError("there are no notes in it", source, "empty")
    index, notices = choose([part for part, _ in tracks], wanted, source)
    pulses = tracks[index][1]
    check_length(len(pulses), 0, source)
    edges = pulses[:, :2] * TICKS_PER_QUARTER
    moved = int(np.count_nonzero((edges % score.tpq).any(axis=1)))
    ticks = (2 * edges + score.tpq) // (2 * score.tpq)
    notes, left_out = top_line(
        Note(onset, max(1, end - onset), pitch)
        for (onset, end), pitch in zip(ticks.tolist(), pulses[:, 2].tolist(), strict=True)
    )
    if left_out:
        notices.append(f"took the top line, leaving out {left_out} of {len(pulses)} notes")
    if moved:
        notices.append(f"rounded {moved} of {len(pulses)} notes to {TICKS_PER_QUARTER} ticks a quarter")
    return notes, notices


def _tracks(score: ScoreTick, is_type_0: bool) -> list[tuple[Part, NDArray[np.int64]]]:
    """The parts that have notes; of each note its onset and end in pulses and its pitch, shape (notes, 3).

    symusic parts a track where its program changes, so tracks of one name are joined; but not in a file of
    type 0, whose single name covers every channel.
    """
    pieces: dict[tuple[str, bool, int], list[NDArray[np.int64]]] = {}
    for number, track in enumerate(score.tracks):
        columns = {name: column.astype(np.int64) for name, column in track.notes.numpy().items()}
        onset, duration = columns["time"], columns["duration"]
        notes = np.stack([onset, onset + duration, columns["pitch"]], axis=1)[duration > 0]
        if len(notes):
            name = track.name.strip()
            own = number if is_type_0 or not name else -1
            pieces.setdefault((name, track.is_drum, own), []).append(notes)
    joined = ((name, is_drum, np.concatenate(arrays)) for (name, is_drum, _), arrays in pieces.items())
    return [(Part(name, float(notes[:, 2].mean()), is_drum), notes) for name, is_drum, notes in joined]


def _meters(score: ScoreTick, notices: list[str]) -> list[Meter]:
    """The time signatures in order; of several at one tick the last. The first stands at tick 0."""
    meters: dict[int, Meter] = {}
    for signature in score.time_signatures:
        meter = Meter(_tick(signature.time, score.tpq), signature.numerator, signature.denominator)
        if 0 < meter.beats <= MAX_BEATS and meter.beat_unit in BEAT_UNITS:
            meters[meter.tick] = meter
        else:
            notices.append(f"left out the time signature {meter}")
    if meters:
        meters.setdefault(0, _COMMON_TIME)
    return [meters[tick] for tick in sorted(meters)]


def _key_of(fifths: int, is_minor: bool) -> Key:
    return key_of(fifths, "minor" if is_minor else "major")


def _key(score: ScoreTick, markers: Markers) -> Key | None:
    for tick, text in markers:
        if tick == 0 and text.startswith(KEY):
            try:
                return Key(*text.removeprefix(KEY).split(" "))
            except (ValueError, TypeError):
                continue  # someone else's marker
    for signature in score.key_signatures:
        if abs(signature.key) <= MAX_SIGNATURE and signature.tonality in (0, 1):
            return _key_of(signature.key, bool(signature.tonality))
    return None


def _our_frame(notes: tuple[Note, ...], meters: list[Meter], markers: Markers) -> Frame:
    """What the markers tell, as far as an edit elsewhere has left them true."""
    ends = [tick for tick, text in markers if text == END]
    duration = max(ends[-1], notes[-1].end if notes else 0)
    pickup = next((tick for tick, text in markers if text == PICKUP), 0)
    if pickup and len(meters) > 1 and meters[0].bar_ticks == pickup == meters[1].tick:
        meters = _without_short_bar(meters)
    if not (meters and 0 < pickup < meters[0].bar_ticks):
        pickup = 0
    phrase_ends = sorted({tick for tick, text in markers if text == PHRASE_END and 0 < tick <= duration})
    return Frame(duration, _before(meters, duration), tuple(phrase_ends), pickup)


def _foreign_frame(notes: tuple[Note, ...], meters: list[Meter], notices: list[str]) -> Frame:
    """What the time signatures tell: the melody ends with the bar of its last note."""
    meters = [meter for before, meter in zip([None, *meters], meters, strict=False) if _differ(before, meter)]
    pickup = 0
    if len(meters) > 1 and meters[0].bar_ticks == meters[1].tick and meters[0].bar_ticks < meters[1].bar_ticks:
        pickup = meters[0].bar_ticks
        notices.append(f"took the first bar, of {meters[0]}, as a pickup")
        meters = _without_short_bar(meters)
    end = notes[-1].end
    return Frame(_bar_line_from(end, meters, pickup), _before(meters, end), (), pickup)


def _differ(before: Meter | None, meter: Meter) -> bool:
    return before is None or before[1:] != meter[1:]


def _without_short_bar(meters: list[Meter]) -> list[Meter]:
    return [meters[1]._replace(tick=0), *meters[2:]]


def _before(meters: list[Meter], duration: int) -> tuple[Meter, ...]:
    return tuple(meter for meter in meters if meter.tick == 0 or meter.tick < duration)


def _bar_line_from(tick: int, meters: list[Meter], pickup: int) -> int:
    """The first bar line at or after a tick."""
    for meter in reversed(meters):
        if meter.tick < tick:
            start = pickup if meter.tick == 0 else meter.tick
            return max(start, tick + (start - tick) % meter.bar_ticks)
    return tick
