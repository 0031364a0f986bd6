"""Rules on form: sections that come again, what is continued or rewritten, and runs of notes from other tunes.

Each is a function of a `Score` and of what the rule demands, and yields its breaches.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise, zip_longest

from melodysynthesis.certificate.finding import Breach, Breaches, Location
from melodysynthesis.certificate.reading import Continuation, PhraseLengths, ReturningMotif, RewrittenBars
from melodysynthesis.certificate.rhythm import quarters
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import Melody, Note


def sections(score: Score, demanded: Sequence[str]) -> Breaches:
    """The melody is cut into sections of equally many bars, of which those of one letter are the same notes.

    A section begins with its pickup, so that the cuts are whole bars after tick 0. A letter with a prime is a
    variation: it has the rhythm of the plain one, and at least one other pitch. At most three quarters of the notes of
    a section come again, by onset and pitch, in a later one of another letter, and not both are silent. No note sounds
    across a cut.
    """
    size, over = divmod(score.last_number, len(demanded))
    if over or not size:
        yield Breach(Location(), f"{score.last_number} bars", f"a multiple of {len(demanded)}")
        return
    lengths = [bar.meter.bar_ticks for bar in score.bars if bar.number]
    cuts = list(accumulate(lengths, initial=0))[::size]
    yield from _notes_across(score, cuts)
    parts = [section(score, start, end) for start, end in pairwise(cuts)]
    models: dict[str, int] = {}
    for number, letter in enumerate(demanded):
        plain, place = letter.rstrip("'"), score.place(cuts[number])
        name = f"section {number + 1}, {letter}"
        if letter in models and parts[number] != parts[models[letter]]:
            found = f"{name}: {_first_difference(score, parts[number], parts[models[letter]])}"
            yield Breach(place, found, f"the notes of section {models[letter] + 1}")
        elif letter not in models and plain in models:
            yield from _variation(place, name, parts[number], parts[models[plain]])
        for other in () if letter in models else [one for one in models if one.rstrip("'") != plain]:
            yield from _contrast(place, name, parts[number], parts[models[other]], models[other])
        models.setdefault(letter, number)


def section(score: Score, start: int, end: int) -> list[Note]:
    """The notes that begin from one tick to another; their onsets count from the first."""
    return [note._replace(onset=note.onset - start) for note in score.notes if start <= note.onset < end]


def _notes_across(score: Score, cuts: Sequence[int]) -> Breaches:
    for number, note in enumerate(score.notes):
        following = bisect_right(cuts, note.onset)
        if following < len(cuts) and cuts[following] < note.end:
            yield Breach(score.place_of(number), "a note that sounds across two sections", "an end by the cut")


def _variation(place: Location, name: str, notes: Sequence[Note], model: Sequence[Note]) -> Breaches:
    if [note[:2] for note in notes] != [note[:2] for note in model]:
        yield Breach(place, f"{name}: another rhythm", "the rhythm of the section that it varies")
    elif notes == model:
        yield Breach(place, f"{name}: the same notes", "another pitch")


def _contrast(place: Location, name: str, notes: Sequence[Note], model: Sequence[Note], number: int) -> Breaches:
    """Sections of different letters."""
    if not notes and not model:
        yield Breach(place, f"{name}: no notes, as in section {number + 1}", "other notes")
    again = len({note[:3:2] for note in notes} & {note[:3:2] for note in model})
    if 4 * again > 3 * len(model):
        yield Breach(
            place, f"{name}: {again} of the {len(model)} notes of section {number + 1}", "three quarters or fewer"
        )


def _first_difference(score: Score, notes: Sequence[Note], model: Sequence[Note]) -> str:
    """The first note that is not the same, by its number in the section."""
    number, found, expected = next(
        (number, one, other) for number, (one, other) in enumerate(zip_longest(notes, model), 1) if one != other
    )
    return f"{_described(score, found)} for {_described(score, expected)} as note {number}"


def primer_kept(score: Score, demanded: Continuation) -> Breaches:
    """The melody begins with the notes of one of the primers, and has no other while that lasts."""
    yield from min((list(_changed(score, primer, demanded.held)) for primer in demanded.melodies), key=len)


def _changed(score: Score, primer: Melody, held: bool) -> Breaches:
    """What a primer has otherwise. Its last note may go on where it is held."""
    found = [note for note in score.notes if note.onset < primer.duration]
    wanted = list(primer.notes)
    if held and found and found[-1].onset == wanted[-1].onset and found[-1].end > wanted[-1].end:
        found[-1] = found[-1]._replace(duration=wanted[-1].duration)
    yield from differences(score, found, wanted, "the primer")


def kept_around(score: Score, demanded: RewrittenBars) -> Breaches:
    """What begins outside the bars that were to be rewritten is as it was; so are meters, pickup and length."""
    was = demanded.melody
    for found, wanted, what in (
        (score.melody.duration, was.duration, "ticks"),
        (score.melody.pickup, was.pickup, "ticks of pickup"),
        (", ".join(map(str, score.melody.meters)), ", ".join(map(str, was.meters)), "as meters"),
    ):
        if found != wanted:
            yield Breach(Location(), f"{found} {what}", str(wanted))
    bars = [bar for bar in was.bars() if demanded.first <= bar.number <= demanded.last]
    start, end = bars[0].start, bars[-1].end
    around = [[note for note in notes if not start <= note.onset < end] for notes in (score.notes, was.notes)]
    yield from differences(score, around[0], around[1], "the melody that was given")


def differences(score: Score, found: Sequence[Note], wanted: Sequence[Note], where: str) -> Breaches:
    """Notes that are not the same, in order of onset."""
    here, there = {note.onset: note for note in found}, {note.onset: note for note in wanted}
    for tick in sorted({note.onset for note in set(found) ^ set(wanted)}):
        expected = f"{_described(score, there.get(tick))}, as in {where}"
        yield Breach(score.place(tick), _described(score, here.get(tick)), expected)


def longest_copy(score: Score, demanded: int) -> Breaches:
    """No more than so many notes in a row are in a tune of the training set, in any key and note values."""
    yield from _copied(score, "rhythm", demanded)


def longest_copy_of_pitches(score: Score, demanded: int) -> Breaches:
    """No more than so many notes in a row have the intervals of a tune of the training set."""
    yield from _copied(score, "interval", demanded)


def _copied(score: Score, kind: str, demanded: int) -> Breaches:
    shared = (score.shared or {})[kind]
    if shared["longest_run"] > demanded:
        first, tune = shared["place"], f"tune {shared['tune']}, {shared['name']}"
        where = score.place_of(first["first_note"] - 1) if first else Location()
        yield Breach(where, f"{shared['longest_run']} notes in a row from {tune}", f"at most {demanded}")


def _described(score: Score, note: Note | None) -> str:
    return "no note" if note is None else f"{score.spelled(note.pitch)} of {quarters(note.duration)} quarters"


def phrase_lengths(score: Score, demanded: PhraseLengths) -> Breaches:
    """Each phrase has its bars, from its pickup on, and a note; none sounds across its end, perhaps a rest."""
    if sum(demanded.bars) != score.last_number:
        yield Breach(Location(), f"{score.last_number} bars", f"{sum(demanded.bars)}")
        return
    lengths = [bar.meter.bar_ticks for bar in score.bars if bar.number]
    cuts = [sum(lengths[:bars]) for bars in accumulate(demanded.bars, initial=0)]
    cuts[-1] = score.melody.duration
    yield from _notes_across(score, cuts)
    for number, (start, end) in enumerate(pairwise(cuts), 1):
        inside = [note for note in score.notes if start <= note.onset < end]
        if not inside:
            yield Breach(score.place(start), f"phrase {number} without a note", "one")
        elif demanded.rests and number < len(demanded.bars) and inside[-1].end >= end:
            yield Breach(score.place(end - 1), f"phrase {number} ends with a note", "a rest")


def motif_returns(score: Score, demanded: ReturningMotif) -> Breaches:
    """The motif comes so many times: its intervals and durations, without rests between its notes."""
    size, (first, _) = len(demanded.notes), demanded.notes[0]
    wanted = [(pitch - first, ticks) for pitch, ticks in demanded.notes]
    found = 0
    for start in range(len(score.notes) - size + 1):
        part = score.notes[start : start + size]
        together = all(one.end == other.onset for one, other in pairwise(part))
        found += together and [(note.pitch - part[0].pitch, note.duration) for note in part] == wanted
    if found < demanded.times:
        yield Breach(Location(), f"the motif {found} times", f"{demanded.times} or more")
