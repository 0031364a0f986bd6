"""Standard MIDI files.

Written: one track named "Melody", 480 pulses to the quarter, the tempo (120 where it
is not known), time and key signatures, lyrics; on request a second track "Chords" that plays the chords. What
MIDI has no event for is written as markers, which a DAW shows on its time line:

    phrase end      a phrase ends here
    melody end      the melody ends here, rests included
    pickup          the pickup bar ends here
    key D dorian    at the start: the key, where a key signature can't say it (modes, theoretical signatures)
    no meter        at the start: there is no time signature, and 4/4 is not meant
    chord: D7/F#    a chord enters here
    title: ...      at the start, and so ``composer: ...``: who made what, where it is known

A pickup is a short first bar: a time signature of its length is at the start and the meter after it, as
notation programs write it, so the bar lines are right in every program. A pickup that no time signature can
say (a triplet) has the marker only.

Read: a file with a `melody end` marker is one of ours and comes back as it was. In any other file, onsets
and ends are rounded to 24 ticks a quarter; `parts` says how part and line are chosen (tracks of one name
are one part); the melody ends with the bar of its last note; a first time signature that holds for just one
bar, shorter than the next one's, is a pickup; and where there is no time signature it is 4/4, MIDI's
default. The key is the first signature's, the tempo the first. Files with faults are repaired first (`midi_repair`);
wrapped ones are unwrapped. Channel 10, drums, is never the melody. Words are lyrics events, or the texts of karaoke
files (`midi_words`).
"""

from __future__ import annotations

from math import gcd
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.chord_symbols import LEFT_OUT, sorted_chords, symbol_of
from melodysynthesis.formats.limits import check_file_size, check_length
from melodysynthesis.formats.midi_parts import Tracks, tracks_of
from melodysynthesis.formats.midi_repair import (
    FAR,
    TRACK_END,
    TRACK_END_BYTES,
    repaired,
    with_all_tracks,
    with_ends,
    without_programs,
)
from melodysynthesis.formats.midi_words import syllables
from melodysynthesis.formats.midi_writer import (
    CHORD,
    CHORDS_TRACK_NAME,
    COMPOSER,
    END,
    KEY,
    NO_METER,
    PHRASE_END_MARKER,
    PICKUP,
    TITLE,
    TRACK_NAME,
    key_of_signature,
    write,
)
from melodysynthesis.formats.notation import MAX_SIGNATURE
from melodysynthesis.formats.parts import choose, top_line
from melodysynthesis.music import (
    BEAT_UNITS,
    DEFAULT_TEMPO,
    MAX_BEATS,
    MAX_TEMPO,
    MIN_TEMPO,
    TICKS_PER_QUARTER,
    Key,
    Melody,
    Meter,
    Note,
)

__all__ = ["FORMAT", "read", "write"]

if TYPE_CHECKING:
    from symusic.core import ScoreTick

MAX_MIDI_BYTES = 8 * 2**20
MAX_TEXTS = 200_000
MAX_NOTES_OF_TRACKS = 500_000
"""Notes in all tracks together."""
_MAX_WRAPPING = 1024
_COMMON_TIME = Meter(0, 4, 4)

Markers = list[tuple[int, str]]
"""Tick and text, in order."""


class Frame(NamedTuple):
    """The metadata of the notes: the fields of `Melody` of these names."""

    duration: int
    meters: tuple[Meter, ...]
    phrase_ends: tuple[int, ...]
    pickup: int


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """The melody of a MIDI file, by the rules above.

    Raises:
        FormatError: if this is no MIDI file, or damaged, or in SMPTE time, or has no notes, or no such part.
    """
    check_file_size(len(data), source, MAX_MIDI_BYTES)
    data, more_tracks = with_all_tracks(_unwrapped(data, source))
    score, markers, repairs = _parse(data, source)
    is_ours = any(text == END for _, text in markers)
    tracks, words = tracks_of(score, data)
    notes, notices = _chosen_notes(tracks, score.tpq, source, part, may_be_empty=is_ours)
    meters = _meters(score, notices)
    if not meters and (0, NO_METER) not in markers:
        notices.append("no time signature: read as 4/4, MIDI's default")
        meters = [_COMMON_TIME]
    frame = _our_frame(notes, meters, markers) if is_ours else _foreign_frame(notes, meters, notices)
    melody = Melody(
        notes,
        key=_key(score, markers, notices),
        source=source,
        title=_after(TITLE, markers),
        composer=_after(COMPOSER, markers),
        tempo=_tempo(score, is_ours),
        lyrics=syllables(words, notes),
        chords=_chords(markers, frame.duration, notices),
        **frame._asdict(),
    )
    return Reading([melody], notices=[f"{source}: {notice}" for notice in more_tracks + repairs + notices])


FORMAT = Format(
    "midi",
    (".mid", ".midi", ".smf", ".kar"),
    read,
    write,
    frozenset({"duration", "meters", "key", "phrase_ends", "pickup"}),
)


def _parse(data: bytes, source: str) -> tuple[ScoreTick, Markers, list[str]]:
    """What the library reads of a file, repaired where need be, its markers, and what the repair changed."""
    from symusic.core import ScoreTick

    parsed = ScoreTick.from_midi
    notices: list[str] = []
    texts: list[tuple[int, str]] | None = None
    try:
        # A packet F7 that does not end one of F0 would be read as if it took time.
        needs_repair = data.count(b"\xf7") > data.count(b"\xf0")
        ended, file = with_ends(data), without_programs(data)
        score = parsed(ended)
        texts = [(marker.time, marker.text) for marker in score.markers]
        is_whole = sum([text == TRACK_END for _, text in texts]) == ended.count(TRACK_END_BYTES)
        if not is_whole or score.end() >= FAR or file is not data:  # a note without an end lasts that long
            found, score, texts = score.note_num(), parsed(file), None
            needs_repair = needs_repair or found > score.note_num()
    except (RuntimeError, ValueError, IndexError):
        needs_repair = True
    except MemoryError:
        raise FormatError("it takes more memory than there is", source, "too large") from None
    if needs_repair:
        texts = None
        file, notices = repaired(data, source)
        try:
            score = parsed(without_programs(file))
        except (RuntimeError, ValueError, MemoryError) as error:
            reason = str(error).removeprefix("MiniMidi: ").removesuffix(": iostream error").splitlines()[0]
            raise FormatError(f"damaged MIDI: {reason[:200]}", source, "damaged MIDI") from None
    if score.note_num() > MAX_NOTES_OF_TRACKS:
        raise FormatError(f"its parts have more than {MAX_NOTES_OF_TRACKS:,} notes", source, "too large")
    if score.tpq <= 0:
        raise FormatError("its header says 0 ticks a quarter: expected 1 to 32,767", source, "damaged MIDI")
    if score.start() < 0:  # symusic counts in 32 bits and wraps around
        raise FormatError("its delta times add up to more than 31 bits", source, "too large")
    pulses_per_quarter = score.tpq
    check_length(0, _tick(score.end(), pulses_per_quarter), source)
    if texts is None:
        texts = [(marker.time, marker.text) for marker in score.markers]
    markers = [(_tick(time, pulses_per_quarter), text) for time, text in texts if text != TRACK_END]
    return score, markers, notices


def _unwrapped(data: bytes, source: str) -> bytes:
    """The MIDI file itself: some are wrapped in RIFF, or have a few bytes of an old Macintosh before them."""
    start = data[:_MAX_WRAPPING].find(b"MThd")
    if start < 0:
        raise FormatError("no MIDI file: it does not start with 'MThd'", source, "not MIDI")
    texts = sum(data.count(bytes((0xFF, kind))) for kind in range(1, 10)) if data.count(b"\xff") > MAX_TEXTS else 0
    if texts > MAX_TEXTS:
        raise FormatError(f"it has more than {MAX_TEXTS:,} texts and markers", source, "too large")
    if data[:4] == b"RIFF":
        length = int.from_bytes(data[start - 4 : start], "little")
        return data[start : start + length] if 14 <= length <= len(data) - start else data[start:]
    return data[start:]


def _tick(pulse: int, pulses_per_quarter: int) -> int:
    """The nearest tick; halves go up."""
    return (2 * pulse * TICKS_PER_QUARTER + pulses_per_quarter) // (2 * pulses_per_quarter)


def _chosen_notes(
    tracks: Tracks, pulses_per_quarter: int, source: str, wanted: str | None, *, may_be_empty: bool
) -> tuple[tuple[Note, ...], list[str]]:
    """The top line of the chosen part, in ticks, and what had to be decided."""
    if not tracks:
        if may_be_empty and wanted is None:
            return (), []
        raise FormatError("there are no notes in it", source, "empty")
    index, notices = choose([part for part, _ in tracks], wanted, source)
    if may_be_empty and wanted is None and {part.name for part, _ in tracks} == {TRACK_NAME, CHORDS_TRACK_NAME}:
        notices = []  # our own backing
    pulses = tracks[index][1]
    check_length(len(pulses), 0, source)
    onsets, ends, pitches = pulses.T.tolist()
    half, whole = pulses_per_quarter, 2 * pulses_per_quarter  # as in `_tick`
    starts = [(2 * TICKS_PER_QUARTER * pulse + half) // whole for pulse in onsets]
    stops = [(2 * TICKS_PER_QUARTER * pulse + half) // whole for pulse in ends]
    durations = [stop - start or 1 for start, stop in zip(starts, stops, strict=True)]
    line = map(Note._make, zip(starts, durations, pitches, strict=True))
    notes, left_out = top_line(sorted(line, key=itemgetter(0)))
    step = pulses_per_quarter // gcd(pulses_per_quarter, TICKS_PER_QUARTER)  # pulses between times that are exact
    moved = sum([(onset % step or end % step) > 0 for onset, end in zip(onsets, ends, strict=True)])
    if left_out:
        notices.append(f"took the top line, leaving out {left_out} of {len(pulses)} notes")
    if moved:
        notices.append(f"rounded {moved} of {len(pulses)} notes to {TICKS_PER_QUARTER} ticks a quarter")
    return notes, notices


def _meters(score: ScoreTick, notices: list[str]) -> list[Meter]:
    """The time signatures in order; of several at one tick the last. The first is at tick 0."""
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


def _after(label: str, markers: Markers) -> str:
    """What our marker of such a label says."""
    return next((text.removeprefix(label)[:200] for tick, text in markers if not tick and text.startswith(label)), "")


def _tempo(score: ScoreTick, is_ours: bool) -> float | None:
    """The first tempo, if it is one that a melody may have; ours state the default where none is known."""
    first = min(reversed(score.tempos), key=lambda tempo: tempo.time, default=None)  # of several at a time the last
    if first is None or not MIN_TEMPO <= first.qpm <= MAX_TEMPO:  # one of no microseconds is infinite
        return None
    return None if is_ours and round(first.qpm) == DEFAULT_TEMPO else round(first.qpm, 3)


def _chords(markers: Markers, duration: int, notices: list[str]) -> tuple[tuple[int, str], ...]:
    texts = {tick: text.removeprefix(CHORD) for tick, text in markers if text.startswith(CHORD)}
    symbols = {tick: symbol for tick, text in texts.items() if (symbol := symbol_of(text))}
    if len(symbols) < len(texts):
        notices.append(LEFT_OUT)
    return sorted_chords(symbols, duration)


def _key(score: ScoreTick, markers: Markers, notices: list[str]) -> Key | None:
    for tick, text in markers:
        if tick == 0 and text.startswith(KEY):
            try:
                return Key(*text.removeprefix(KEY).split(" "))
            except (ValueError, TypeError):
                continue  # someone else's marker
    later_first = list(reversed(score.key_signatures))  # of several at one time the last holds
    for signature in sorted(later_first, key=lambda signature: signature.time):
        if abs(signature.key) <= MAX_SIGNATURE and signature.tonality in (0, 1):
            return key_of_signature(signature.key, bool(signature.tonality))
        notices.append("left out a key signature that is none")
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
    phrase_ends = sorted({tick for tick, text in markers if text == PHRASE_END_MARKER and 0 < tick <= duration})
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
