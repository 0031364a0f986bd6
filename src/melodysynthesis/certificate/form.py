"""Rules on form: sections that come again, what is continued or rewritten, and runs of notes from other tunes.

Each is a function of a `Score` and of what is asked for, and yields its breaches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise, zip_longest

from melodysynthesis.certificate.asked import Primer, Rewriting
from melodysynthesis.certificate.finding import Breach, Breaches, Place
from melodysynthesis.certificate.rhythm import quarters
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import Melody, Note


def sections(score: Score, asked: Sequence[str]) -> Breaches:
    """The melody is cut into sections of equally many bars, of which those of one letter are the same notes.

    A section begins with its pickup, so that the cuts are whole bars after tick 0. A letter with a prime is a
    variation: it has the rhythm of the plain one, and at least one other pitch. No note sounds across a cut.
    """
    size, over = divmod(score.last_number, len(asked))
    if over or not size:
        yield Breach(Place(), f"{score.last_number} bars", f"a multiple of {len(asked)}")
        return
    lengths = [bar.meter.bar_ticks for bar in score.bars if bar.number]
    cuts = list(accumulate(lengths, initial=0))[::size]
    yield from _notes_across(score, cuts)
    parts = [section(score, start, end) for start, end in pairwise(cuts)]
    models: dict[str, int] = {}
    for number, letter in enumerate(asked):
        plain, place = letter.rstrip("'"), score.place(cuts[number])
        name = f"section {number + 1}, {letter}"
        if letter in models and parts[number] != parts[models[letter]]:
            found = f"{name}: {_first_difference(score, parts[number], parts[models[letter]])}"
            yield Breach(place, found, f"the notes of section {models[letter] + 1}")
        elif letter not in models and plain in models:
            yield from _variation(place, name, parts[number], parts[models[plain]])
        models.setdefault(letter, number)


def section(score: Score, start: int, end: int) -> list[Note]:
    """The notes that begin from one tick to another; their onsets count from the first."""
    return [note._replace(onset=note.onset - start) for note in score.notes if start <= note.onset < end]


def _notes_across(score: Score, cuts: Sequence[int]) -> Breaches:
    for number, note in enumerate(score.notes):
        following = bisect_right(cuts, note.onset)
        if following < len(cuts) and cuts[following] < note.end:
            yield Breach(score.place_of(number), "a note that sounds across two sections", "an end by the cut")


def _variation(place: Place, name: str, notes: Sequence[Note], model: Sequence[Note]) -> Breaches:
    if [note[:2] for note in notes] != [note[:2] for note in model]:
        yield Breach(place, f"{name}: another rhythm", "the rhythm of the section that it varies")
    elif notes == model:
        yield Breach(place, f"{name}: the same notes", "another pitch")


def _first_difference(score: Score, notes: Sequence[Note], model: Sequence[Note]) -> str:
    """The first note that is not the same, by its number in the section."""
    number, found, expected = next(
        (number, one, other) for number, (one, other) in enumerate(zip_longest(notes, model), 1) if one != other
    )
    return f"{_told(score, found)} for {_told(score, expected)} as note {number}"


def primer_kept(score: Score, asked: Primer) -> Breaches:
    """The melody begins with the notes of one of the primers, and has no other while that lasts."""
    yield from min((list(_changed(score, primer, asked.held)) for primer in asked.melodies), key=len)


def _changed(score: Score, primer: Melody, held: bool) -> Breaches:
    """What a primer has otherwise. Its last note may go on where it is held."""
    found = [note for note in score.notes if note.onset < primer.duration]
    wanted = list(primer.notes)
    if held and found and found[-1].onset == wanted[-1].onset and found[-1].end > wanted[-1].end:
        found[-1] = found[-1]._replace(duration=wanted[-1].duration)
    yield from differences(score, found, wanted, "the primer")


def kept_around(score: Score, asked: Rewriting) -> Breaches:
    """What begins outside the bars that were to be rewritten is as it was; so are meters, pickup and length."""
    was = asked.melody
    for found, wanted, what in (
        (score.melody.duration, was.duration, "ticks"),
        (score.melody.pickup, was.pickup, "ticks of pickup"),
        (", ".join(map(str, score.melody.meters)), ", ".join(map(str, was.meters)), "as meters"),
    ):
        if found != wanted:
            yield Breach(Place(), f"{found} {what}", str(wanted))
    bars = [bar for bar in was.bars() if asked.first <= bar.number <= asked.last]
    start, end = bars[0].start, bars[-1].end
    around = [[note for note in notes if not start <= note.onset < end] for notes in (score.notes, was.notes)]
    yield from differences(score, around[0], around[1], "the melody that was given")


def differences(score: Score, found: Sequence[Note], wanted: Sequence[Note], where: str) -> Breaches:
    """Notes that are not the same, in order of onset."""
    here, there = {note.onset: note for note in found}, {note.onset: note for note in wanted}
    for tick in sorted({note.onset for note in set(found) ^ set(wanted)}):
        expected = f"{_told(score, there.get(tick))}, as in {where}"
        yield Breach(score.place(tick), _told(score, here.get(tick)), expected)


def longest_copy(score: Score, asked: int) -> Breaches:
    """No more than so many notes in a row stand in a tune of the training set, in any key and note values."""
    shared = score.shared or {}
    if shared["longest_run"] > asked:
        first, tune = shared["place"], f"tune {shared['tune']}, {shared['name']}"
        where = score.place_of(first["first_note"] - 1) if first else Place()
        yield Breach(where, f"{shared['longest_run']} notes in a row from {tune}", f"at most {asked}")


def _told(score: Score, note: Note | None) -> str:
    return "no note" if note is None else f"{score.spelled(note.pitch)} of {quarters(note.duration)} quarters"
