"""The rule on words: every syllable has a note, in order, and each line ends with a phrase."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from melodysynthesis.certificate.finding import Breach, Breaches, Location
from melodysynthesis.certificate.score import Score


def words_on_notes(score: Score, demanded: Sequence[Sequence[str]]) -> Breaches:
    """The syllables below the notes are those of the text; a phrase ends with each line, if the file has phrases."""
    melody = score.melody
    expected = [syllable for line in demanded for syllable in line]
    onsets = {note.onset: number for number, note in enumerate(score.notes)}
    for (tick, found), syllable in zip(melody.lyrics, expected, strict=False):
        if found != syllable:
            yield Breach(score.place(tick, onsets.get(tick)), f"the syllable {found!r}", repr(syllable))
            return
        if tick not in onsets:
            yield Breach(score.place(tick), f"no note for {syllable!r}", "one that begins here")
    if len(melody.lyrics) != len(expected):
        yield Breach(Location(), f"{len(melody.lyrics)} syllables", str(len(expected)))
        return
    ticks = [tick for tick, _ in melody.lyrics]
    for first in accumulate(map(len, demanded)):
        after = ticks[first] if first < len(ticks) else melody.duration
        if melody.phrase_ends and not any(ticks[first - 1] < end <= after for end in melody.phrase_ends):
            yield Breach(
                score.place(ticks[first - 1], onsets.get(ticks[first - 1])), "no phrase end", "one with the line"
            )
