"""The table of checks, one for each rule, and the certificate of a melody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from melodysynthesis.certificate import form, frame, harmony, lyrics, pitch, reading, rhythm
from melodysynthesis.certificate.finding import Breaches, Certificate, Finding, Verdict
from melodysynthesis.certificate.reading import Written
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import Melody

METER, KEY, TONIC, TUNES, WORDS = "meter", "key", "tonic", "tunes", "words"
MISSING = {
    METER: "the file states no meter",
    KEY: "the file states no key",
    TONIC: "neither the request nor the file states a key",
    WORDS: "the file has no words",
    TUNES: "the melody was not compared with the training tunes",
}
"""What a file may lack, so that a rule can't be checked."""


OF_THE_WHOLE = ("key", "meter", "meters", "pickup", "bars", "primers", "rewrite")
"""Fields that hold for a whole melody, though the rules are for some bars of it."""


class Check(NamedTuple):
    """One line of the table.

    Attributes:
        field: of the request.
        value: reads what the rule demands from the written request.
        broken: yields where the melody breaks the rule.
        needs: of `MISSING`, what the rule can't be checked without.
        default: the field's value that demands nothing.
        extent: what was checked, where the field may seem to say more.
    """

    field: str
    value: Callable[[Written], Any]
    broken: Callable[[Score, Any], Breaches]
    needs: tuple[str, ...] = ()
    default: Any = None
    extent: str = ""


CHECKS = (
    Check("key", reading.key, frame.key, (KEY,), extent="the key that the file states; its notes are checked by scale"),
    Check("meter", reading.meter, frame.one_meter, (METER,)),
    Check("meters", reading.meters, frame.meter_of_each_bar, (METER,)),
    Check("pickup", reading.plain("pickup"), frame.pickup, (METER,)),
    Check("bars", reading.plain("bars"), frame.whole_bars, (METER,)),
    Check("primers", reading.primer, form.primer_kept, default=[]),
    Check("rewrite", reading.rewriting, form.kept_around),
    Check("scale", reading.scale, pitch.in_scale, (TONIC,)),
    Check("range", reading.pitches_of("range"), pitch.in_range),
    Check("tessitura", reading.pitches_of("tessitura"), pitch.tessitura),
    Check("max_leap", reading.plain("max_leap"), pitch.largest_leap),
    Check("leap_recovery", reading.plain("leap_recovery"), pitch.leap_recovery, default=False),
    Check("contour", reading.contour, pitch.contour),
    Check("climax", reading.climax, pitch.climax, (METER,)),
    Check("returning_motif", reading.motif, form.motif_returns),
    Check("fixed", reading.notes_at, pitch.fixed_notes, (METER,)),
    Check("chords", reading.chart, harmony.on_chords, (METER,)),
    Check("cadence", reading.cadence_scale, harmony.cadence, (METER, TONIC), default=False),
    Check("first_degree", reading.first_degree, pitch.first_degree, (TONIC,)),
    Check("durations", reading.durations, rhythm.durations),
    Check("max_note", reading.quarters_of("max_note"), rhythm.longest_note),
    Check("max_rest", reading.quarters_of("max_rest"), rhythm.longest_rest),
    Check("density", reading.density, rhythm.density, (METER,)),
    Check("rests", reading.plain("rests"), rhythm.rests, default=True),
    Check("ties_over_bars", reading.plain("ties_over_bars"), rhythm.ties_over_bars, (METER,), default=True),
    Check("max_syncopation", reading.plain("max_syncopation"), rhythm.syncopation, (METER,)),
    Check("grouping", reading.groups, frame.beat_groups, (METER,), extent="it says which beats are strong"),
    Check("rhythm", reading.rhythm, rhythm.given_rhythm, (METER,)),
    Check("phrases", reading.phrases, form.phrase_lengths, (METER,)),
    Check("form", reading.sections, form.sections, (METER,)),
    Check("lyrics", reading.lines_of_words, lyrics.words_on_notes, (WORDS,)),
    Check("max_copy", reading.plain("max_copy"), form.longest_copy, (TUNES,)),
    Check("max_copy_pitches", reading.plain("max_copy_pitches"), form.longest_copy_of_pitches, (TUNES,)),
)


def certify(melody: Melody, request: Written, originality: Mapping[str, Any] | None = None) -> Certificate:
    """Check every rule of a request on the notes of a melody.

    Args:
        melody: as it was read from its file.
        request: the fields of a `generation.request.Request`, written: ``request.model_dump(mode="json")``.
        originality: the report of `evaluation.originality.evaluate`; without it copies can't be checked.
    """
    score = Score(melody, reading.key(request), originality, reading.groups(request))
    wanted = [check for check in CHECKS if request.get(check.field, check.default) not in (None, check.default)]
    return Certificate(tuple(_finding(check, score, request) for check in wanted))


def _finding(check: Check, score: Score, request: Written) -> Finding:
    text = written(check.field, request)
    missing = _missing(score).intersection(check.needs)
    if missing:
        reason = "; ".join(MISSING[what] for what in sorted(missing))
        return Finding(check.field, text, Verdict.NOT_CHECKABLE, reason=reason)
    breaches, extent = tuple(check.broken(score, check.value(request))), check.extent
    if request.get("rules_for") == "new" and check.field not in OF_THE_WHOLE:
        bars = reading.rewriting(request)
        breaches = tuple(one for one in breaches if one.place.bar in range(bars.first, bars.last + 1))
        extent = f"bars {bars.first} to {bars.last}, which are new; the others are not judged"
    return Finding(check.field, text, Verdict.BROKEN if breaches else Verdict.KEPT, breaches, extent)


def _missing(score: Score) -> set[str]:
    melody = score.melody
    there = {METER: score.bars, KEY: melody.key, TONIC: score.key, TUNES: score.shared, WORDS: melody.lyrics}
    return {what for what, value in there.items() if not value}


def written(field: str, request: Written) -> str:
    """What a field demands, for people."""
    value = request[field]
    if field == "primers":
        return f"{len(value)} melod{'y' if len(value) == 1 else 'ies'} to continue"
    if field == "scale" and request.get("chromatic"):
        return f"{value}, {request['chromatic']} notes outside"
    if field == "returning_motif":
        return f"{value}, {request.get('returns') or 2} times"
    if field == "phrases" and request.get("phrase_rests"):
        return f"{value}, rests between them"
    if field == "pickup":
        return f"{rhythm.quarters(value)} quarters"
    return str(value) if not isinstance(value, bool) else ("yes" if value else "no")
