"""The words in a MIDI file: lyrics events (FF 05), or the plain texts (FF 01) of karaoke files.

Karaoke files have their words in a track of their own, often without a note, which the reading library drops; so
tracks with words are read here. A text that begins with ``@`` is about the file. ``\\`` and ``/`` before a syllable
begin a page and a line; a space before or after it is where a word ends. A word belongs to the note that starts up to
`NEAR` ticks from it. Plain texts are words only if they go with the notes, by `fit_onsets`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from melodysynthesis.formats.midi_repair import MAX_TRACK_BYTES, chunks, track_events
from melodysynthesis.music import TICKS_PER_QUARTER, Note

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from symusic.core import ScoreTick

NEAR = 3
"""Ticks: a thirty-second note."""
MIN_WORDS = 4
_TEXT, _LYRIC = 0x01, 0x05
_SIGN_OF_TEXT, _SIGN_OF_LYRIC = bytes((0xFF, _TEXT)), bytes((0xFF, _LYRIC))
_BREAKS = "/\\"
_MARKS = re.compile(r"[\s/\\]")
AnyTime = TypeVar("AnyTime", int, float)


class Words(NamedTuple):
    """The words of a track: pulse and text of each, and whether they are plain texts."""

    texts: list[tuple[int, str]]
    is_plain: bool


def may_have_words(data: bytes) -> bool:
    """Whether there is a lyrics event in a MIDI file, or as many plain texts as words need."""
    return _SIGN_OF_LYRIC in data or data.count(_SIGN_OF_TEXT) >= MIN_WORDS


def words_in(data: bytes, score: ScoreTick, onsets: Sequence[NDArray[np.int64]]) -> list[Words]:
    """The words of each track that has any, with their times in pulses; its plain texts where it has no lyrics events.

    Args:
        data: a MIDI file.
        score: what the reading library makes of it; it has the lyrics events of the tracks that are too long.
        onsets: of the notes of each part, in pulses; of one part's at least half must have a plain text each.
    """
    if known := _by_the_library(data, score):
        return known
    found: list[Words] = []
    fewest_texts = max(MIN_WORDS, min((len(set(of.tolist())) for of in onsets), default=0) / 2)
    for name, track in chunks(data):
        if name != b"MTrk" or not (_SIGN_OF_LYRIC in track or track.count(_SIGN_OF_TEXT) >= fewest_texts):
            continue
        if len(track) > MAX_TRACK_BYTES:
            lyrics = ([(lyric.time, lyric.text) for lyric in one.lyrics if lyric.text] for one in score.tracks)
            found += [Words(words, is_plain=False) for words in lyrics if any(text.strip() for _, text in words)]
            continue
        try:
            texts = [(e.time, e.data[0], _text(e.data[1:])) for e in track_events(track, {}) if e.is_meta]
        except IndexError:
            continue  # damage that the library has passed over
        for kind in (_LYRIC, _TEXT):
            words = [(time, text) for time, of, text in texts if of == kind and text and text[0] != "@"]
            if any(text.strip() for _, text in words):
                found.append(Words(words, kind == _TEXT))
                break
    return found


def _by_the_library(data: bytes, score: ScoreTick) -> list[Words] | None:
    """The words as the library gives them; None where it need not have all of them, or not as they are."""
    tracks = [track.lyrics for track in score.tracks if track.lyrics]
    if len(tracks) != 1 or len(tracks[0]) != data.count(_SIGN_OF_LYRIC) or data.count(_SIGN_OF_TEXT) >= MIN_WORDS:
        return None
    texts = [(lyric.time, lyric.text) for lyric in tracks[0]]
    together = "".join([text for _, text in texts])
    is_plain_to_see = together.strip() and "@" not in together and "\ufffd" not in together
    return [Words(texts, is_plain=False)] if is_plain_to_see else None


def fit_onsets(words: Words, onsets: Sequence[float]) -> bool:
    """Whether words, at least `MIN_WORDS`, belong to notes of such onsets, in ticks and in order.

    Nine in ten of the words stand at an onset, and no more than half the onsets are without a word.
    """
    count = sum(bool(text.strip()) for _, text in words.texts)
    return count >= max(MIN_WORDS, len(onsets) / 2) and _count_at(words, onsets) >= 0.9 * count


def in_ticks(tracks: list[Words], pulses_per_quarter: int) -> list[Words]:
    """The words with their times rounded to ticks; halves go up, as the notes' do."""
    half, whole = pulses_per_quarter, 2 * pulses_per_quarter
    return [
        Words([((2 * TICKS_PER_QUARTER * pulse + half) // whole, text) for pulse, text in texts], is_plain)
        for texts, is_plain in tracks
    ]


def syllables(tracks: list[Words], notes: Sequence[Note]) -> tuple[tuple[int, str], ...]:
    """The syllables at the notes' onsets: of the track that has the most there. All times are in ticks."""
    onsets = [note.onset for note in notes]
    fitting = [words for words in tracks if not words.is_plain or fit_onsets(words, onsets)]
    if len(fitting) > 1:
        fitting = [max(fitting, key=lambda words: _count_at(words, onsets))]
    return _syllables(fitting[0].texts, onsets) if fitting else ()


def _syllables(texts: list[tuple[int, str]], onsets: Sequence[int]) -> tuple[tuple[int, str], ...]:
    """The syllables at onsets; one that goes on in the next has a hyphen behind it."""
    has_marks = _MARKS.search("".join([text for _, text in texts])) is not None
    spaced = has_marks and any(text != text.strip() or text[0] in _BREAKS for _, text in texts)
    exact = set(onsets)
    if not has_marks and exact.issuperset([tick for tick, _ in texts]):  # as in the files that are written here
        return tuple(sorted({tick: text[:80] for tick, text in reversed(texts) if text}.items()))
    found: dict[int, str] = {}
    for (tick, text), (_, following) in pairwise([*texts, (0, " ")]):
        onset = tick if tick in exact else _nearest(tick, onsets)
        plain = text.strip().lstrip(_BREAKS).strip() if has_marks else text
        if onset is not None and plain and onset not in found:
            goes_on = spaced and not (text[-1].isspace() or following[0].isspace() or following[0] in _BREAKS)
            found[onset] = plain[:80] + "-" * (goes_on and plain[-1] != "-")
    return tuple(sorted(found.items()))


def _count_at(words: Words, onsets: Sequence[float]) -> int:
    return sum(_nearest(tick, onsets) is not None for tick, text in words.texts if text.strip())


def _nearest(tick: int, onsets: Sequence[AnyTime]) -> AnyTime | None:
    """The onset that is nearest to a tick, if one is near."""
    after = bisect_left(onsets, tick)
    near = min(onsets[max(0, after - 1) : after + 1], key=lambda onset: abs(onset - tick), default=None)
    return near if near is not None and abs(near - tick) <= NEAR else None


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
