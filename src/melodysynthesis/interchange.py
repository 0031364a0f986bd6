"""Melodies to and from the objects of other libraries: NumPy note arrays, music21, symusic, pretty_midi.

The last three go through the bytes of MusicXML or MIDI, so that what is kept is what the file formats keep: notes,
meters, key and pickup survive the way there and back; phrase ends survive that through symusic only, and a rest at the
end of the melody may become longer through pretty_midi. The libraries are imported when they are used.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter, Note
from melodysynthesis.notation import parse_key, parse_meter

NOTE_FIELDS = np.dtype(
    [("onset_quarter", "f8"), ("duration_quarter", "f8"), ("onset_div", "i4"), ("duration_div", "i4"), ("pitch", "i4")]
)
"""Fields of a note array, with the meaning that partitura gives them.

``onset_quarter`` and ``duration_quarter`` are in quarter notes, and onsets count from the first full bar, so that they
are negative within a pickup. ``onset_div`` and ``duration_div`` are in ticks, 24 to the quarter, from the melody's
start. ``pitch`` is a MIDI number."""


def to_note_array(melody: Melody) -> NDArray[np.void]:
    """The notes of a melody as a structured array with the fields `NOTE_FIELDS`.

    >>> import melodysynthesis as ms
    >>> array = ms.to_note_array(ms.from_note_array([(0, 1.5, 60), (1.5, .5, 62)]))
    >>> array["onset_quarter"].tolist(), array["duration_div"].tolist()
    ([0.0, 1.5], [36, 12])
    """
    array = np.zeros(len(melody.notes), NOTE_FIELDS)
    onset, duration, pitch = melody.note_array().T
    array["onset_div"], array["duration_div"], array["pitch"] = onset, duration, pitch
    array["onset_quarter"] = (onset - melody.pickup) / TICKS_PER_QUARTER
    array["duration_quarter"] = duration / TICKS_PER_QUARTER
    return array


def from_note_array(
    array: ArrayLike,
    *,
    meter: str | Meter | None = None,
    key: str | Key | None = None,
    pickup: float | None = None,
    duration: float | None = None,
) -> Melody:
    """The melody of a note array, as `to_note_array` and partitura give it, or of rows of onset, duration and pitch.

    Args:
        array: a structured array with the fields onset_quarter, duration_quarter and pitch, or numbers of the shape
            (notes, 3): onset in quarters from the first full bar, duration in quarters, MIDI number. In any order.
        meter: such as ``"3/4"``.
        key: such as ``"G major"``.
        pickup: length of the incomplete bar before the first full one, in quarters; by default the earliest onset says
            it, if that is negative.
        duration: length of the melody in quarters, pickup included; by default it ends with its last note.

    Raises:
        FormatError: if a field is missing, a time is not a whole number of ticks (24 to the quarter), or notes overlap.
        RequestError: if the meter or the key can't be read.
    """
    rows = np.asarray(array)
    if rows.dtype.names is not None:
        missing = {"onset_quarter", "duration_quarter", "pitch"} - set(rows.dtype.names)
        if missing:
            raise FormatError(f"a note array needs the fields {', '.join(sorted(missing))}")
        onset, length, pitch = rows["onset_quarter"], rows["duration_quarter"], rows["pitch"]
    elif rows.size == 0 or (rows.ndim == 2 and rows.shape[1] == 3):
        onset, length, pitch = rows.reshape(-1, 3).T
    else:
        raise FormatError(f"expected rows of onset, duration and pitch, not an array of shape {rows.shape}")
    onset_ticks, length_ticks = _ticks(onset), _ticks(length)
    pickup_ticks = max(-int(onset_ticks.min(initial=0)), 0) if pickup is None else int(_ticks(pickup))
    notes = tuple(sorted(map(Note, (onset_ticks + pickup_ticks).tolist(), length_ticks.tolist(), map(int, pitch))))
    first = parse_meter(meter) if isinstance(meter, str) else meter
    try:
        return Melody(
            notes=notes,
            duration=int(_ticks(duration)) if duration is not None else max((note.end for note in notes), default=0),
            meters=(first,) if first else (),
            key=parse_key(key) if isinstance(key, str) else key,
            pickup=pickup_ticks,
        )
    except ValueError as error:
        raise FormatError(f"these notes are no melody: {error}") from None


def to_music21(melody: Melody) -> Any:
    """The melody as a `music21.stream.Score`; needs music21."""
    from music21 import converter

    return converter.parseData(formats.to_bytes(melody, "musicxml").decode(), format="musicxml")


def from_music21(stream: Any, part: str | None = None) -> Melody:
    """The melody of a music21 stream: a score, a part or a measure's worth of notes.

    Raises:
        FormatError: if there is no melody in it.
    """
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    return _only(GeneralObjectExporter().parse(stream), "musicxml", "music21 stream", part)


def to_symusic(melody: Melody) -> Any:
    """The melody as a `symusic.Score` in ticks."""
    import symusic

    return symusic.Score.from_midi(formats.to_bytes(melody, "midi"))


def from_symusic(score: Any, part: str | None = None) -> Melody:
    """The melody of a `symusic.Score`.

    Raises:
        FormatError: if there is no melody in it.
    """
    return _only(score.dumps_midi(), "midi", "symusic score", part)


def to_pretty_midi(melody: Melody) -> Any:
    """The melody as a `pretty_midi.PrettyMIDI`; times are in seconds there."""
    import pretty_midi

    return pretty_midi.PrettyMIDI(io.BytesIO(formats.to_bytes(melody, "midi")))


def from_pretty_midi(midi: Any, part: str | None = None) -> Melody:
    """The melody of a `pretty_midi.PrettyMIDI`, by its own tempo and resolution.

    Raises:
        FormatError: if there is no melody in it.
    """
    buffer = io.BytesIO()
    midi.write(buffer)
    return _only(buffer.getvalue(), "midi", "PrettyMIDI object", part)


def _only(data: bytes, format_name: str, source: str, part: str | None) -> Melody:
    return formats.read_bytes(data, format_name, source, part).melodies[0]


def _ticks(quarters: ArrayLike) -> NDArray[np.int64]:
    ticks = np.asarray(quarters, np.float64) * TICKS_PER_QUARTER
    whole = np.rint(ticks)
    if not np.allclose(ticks, whole, atol=0.01):  # also not for NaN; thirds of a beat are not exact in floats
        raise FormatError("an onset or duration is not a whole number of ticks, 24 to the quarter note")
    return whole.astype(np.int64)
