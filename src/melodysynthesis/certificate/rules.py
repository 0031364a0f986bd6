"""The table of rules, and the certificate of a melody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from melodysynthesis.certificate import asked as said
from melodysynthesis.certificate import form, frame, harmony, pitch, rhythm
from melodysynthesis.certificate.asked import Written
from melodysynthesis.certificate.finding import Breaches, Certificate, Finding, Verdict
from melodysynthesis.certificate.score import Score
from melodysynthesis.music import Melody

METER, KEY, TONIC, TUNES = "meter", "key", "tonic", "tunes"
MISSING = {
    METER: "the file states no meter",
    KEY: "the file states no key",
    TONIC: "neither the request nor the file says a key",
    TUNES: "the melody was not compared with the training tunes",
}
"""What a file may lack, so that a rule can't be checked."""


class Rule(NamedTuple):
    """One line of the table.

    Attributes:
        field: of the request.
        value: reads what is asked for from the written request.
        broken: yields where the melody breaks it.
        needs: of `MISSING`, what the rule can't be checked without.
        default: the field's value that asks for nothing.
    """

    field: str
    value: Callable[[Written], Any]
    broken: Callable[[Score, Any], Breaches]
    needs: tuple[str, ...] = ()
    default: Any = None


RULES = (
    Rule("key", said.key, frame.key, (KEY,)),
    Rule("meter", said.meter, frame.one_meter, (METER,)),
    Rule("meters", said.meters, frame.meter_of_each_bar, (METER,)),
    Rule("pickup", said.plain("pickup"), frame.pickup, (METER,)),
    Rule("bars", said.plain("bars"), frame.whole_bars, (METER,)),
    Rule("primers", said.primer, form.primer_kept, default=[]),
    Rule("rewrite", said.rewriting, form.kept_around),
    Rule("scale", said.scale, pitch.in_scale, (TONIC,)),
    Rule("range", said.pitch_range, pitch.in_range),
    Rule("max_leap", said.plain("max_leap"), pitch.largest_leap),
    Rule("leap_recovery", said.plain("leap_recovery"), pitch.leap_recovery, default=False),
    Rule("contour", said.contour, pitch.contour),
    Rule("fixed", said.anchors, pitch.fixed_notes, (METER,)),
    Rule("chords", said.chart, harmony.on_chords, (METER,)),
    Rule("cadence", said.cadence_scale, harmony.cadence, (METER, TONIC), default=False),
    Rule("durations", said.durations, rhythm.durations),
    Rule("rests", said.plain("rests"), rhythm.rests, default=True),
    Rule("ties_over_bars", said.plain("ties_over_bars"), rhythm.ties_over_bars, (METER,), default=True),
    Rule("max_syncopation", said.plain("max_syncopation"), rhythm.syncopation, (METER,)),
    Rule("rhythm", said.rhythm, rhythm.given_rhythm, (METER,)),
    Rule("form", said.sections, form.sections, (METER,)),
    Rule("max_copy", said.plain("max_copy"), form.longest_copy, (TUNES,)),
)


def certify(melody: Melody, request: Written, originality: Mapping[str, Any] | None = None) -> Certificate:
    """Check every rule that a request asks for on the notes of a melody.

    Args:
        melody: as it was read from its file.
        request: the fields of a `generation.request.Request`, written: ``request.model_dump(mode="json")``.
        originality: what `evaluation.originality.evaluate` says of the melody; without it `max_copy` can't be checked.
    """
    score = Score(melody, said.key(request), originality["rhythm"] if originality else None)
    asked = [rule for rule in RULES if request.get(rule.field, rule.default) not in (None, rule.default)]
    return Certificate(tuple(_finding(rule, score, request) for rule in asked))


def _finding(rule: Rule, score: Score, request: Written) -> Finding:
    text = written(rule.field, request)
    missing = _missing(score).intersection(rule.needs)
    if missing:
        reason = "; ".join(MISSING[what] for what in sorted(missing))
        return Finding(rule.field, text, Verdict.NOT_CHECKABLE, reason=reason)
    breaches = tuple(rule.broken(score, rule.value(request)))
    return Finding(rule.field, text, Verdict.BROKEN if breaches else Verdict.KEPT, breaches)


def _missing(score: Score) -> set[str]:
    there = {METER: score.bars, KEY: score.melody.key, TONIC: score.key, TUNES: score.shared}
    return {what for what, value in there.items() if not value}


def written(field: str, request: Written) -> str:
    """What a field asks for, for people."""
    value = request[field]
    if field == "primers":
        return f"{len(value)} melod{'y' if len(value) == 1 else 'ies'} to continue"
    if field == "scale" and request.get("chromatic"):
        return f"{value}, {request['chromatic']} notes outside"
    if field == "pickup":
        return f"{rhythm.quarters(value)} quarters"
    return str(value) if not isinstance(value, bool) else ("yes" if value else "no")
