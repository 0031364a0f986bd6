"""What a person asks for, checked before anything is generated. The command line, the library and the web share it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)  # fmt: skip

from melodysynthesis.constraints.terms import Bars, Beat, Chart, Contour, FixedNote, Section, Span
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation import rule_notation as typed
from melodysynthesis.generation.notation import parse_key, parse_meter, parse_notes, parse_quarters
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter
from melodysynthesis.runtime.pretrained import DEFAULT
from melodysynthesis.theory import beat_ticks

MAX_COUNT = 100_000
MAX_ASKED_BARS = 127
DEFAULT_STEPS = 1_500
"""As many as the original study's generator took."""
MAX_STEPS = 1_000_000
MAX_PARTICLES = 1_024


def fresh_seed() -> int:
    """A seed that nobody chose, short enough to be typed again."""
    return secrets.randbelow(1_000_000)


def _to_key(value: object) -> object:
    return parse_key(value) if isinstance(value, str) else value


def _to_meter(value: object) -> object:
    return parse_meter(value) if isinstance(value, str) else value


def _typed(parse: Callable[[str], Any], write: Callable[[Any], str] = str) -> tuple[BeforeValidator, PlainSerializer]:
    """How a field is read from text, and written as text again; other values are taken as they are."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value), PlainSerializer(write)


def _to_ticks(value: object) -> object:
    if isinstance(value, str):
        return 0 if value.strip() == "0" else parse_quarters(value)
    return value


def _to_melody(value: object) -> Melody:
    if isinstance(value, Melody):
        return value
    try:
        return parse_notes(value) if isinstance(value, str) else melody_json.from_dict(value)
    except FormatError as error:
        raise RequestError(f"primer: {error}") from None


KeyField = Annotated[Key, BeforeValidator(_to_key), PlainSerializer(str)]
MeterField = Annotated[Meter, BeforeValidator(_to_meter), PlainSerializer(str)]
Ticks = Annotated[int, BeforeValidator(_to_ticks)]
MelodyField = Annotated[Melody, PlainValidator(_to_melody), PlainSerializer(melody_json.to_dict)]
MetersField = Annotated[tuple[Bars, ...], *_typed(typed.parse_meters, typed.format_meters)]
ScaleField = Annotated[str, *_typed(typed.parse_scale)]
RangeField = Annotated[Span, *_typed(typed.parse_range, typed.format_range)]
ChordsField = Annotated[Chart, *_typed(typed.parse_chords, typed.format_chords)]
DurationsField = Annotated[tuple[int, ...], *_typed(typed.parse_durations, typed.format_durations)]
RhythmField = Annotated[tuple[Beat, ...], *_typed(typed.parse_rhythm, typed.format_rhythm)]
ContourField = Annotated[Contour, *_typed(typed.parse_contour)]
FixedField = Annotated[tuple[FixedNote, ...], *_typed(typed.parse_fixed, typed.format_fixed)]
FormField = Annotated[tuple[Section, ...], *_typed(typed.parse_form, typed.format_form)]
BarsField = Annotated[tuple[int, int], *_typed(typed.parse_bars, typed.format_bars)]

RULES = (
    "scale", "range", "max_leap", "leap_recovery", "chords", "cadence", "durations", "max_syncopation", "rests",
    "ties_over_bars", "rhythm", "contour", "fixed", "form", "max_copy",
)  # fmt: skip
"""Fields that are rules, kept by every melody as a whole, primer included."""


class Request(BaseModel):
    """What to generate. Contradictions raise on construction.

    Raises:
        RequestError: in one line, naming the field and what it may be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(DEFAULT, min_length=1)
    """Name or file of the model."""
    count: int = Field(1, ge=1, le=MAX_COUNT)
    """How many melodies. Melody i of a seed does not depend on it."""
    seed: int = Field(default_factory=fresh_seed, ge=0, lt=2**63)
    """The same seed gives the same melodies; without one a fresh one is drawn, and told."""
    temperature: float = Field(0.9, ge=0, le=100, allow_inf_nan=False)
    """Below 1 the likely becomes likelier; 0 always takes the likeliest token."""
    top_k: int | None = Field(None, ge=1)
    """Draw from the k likeliest tokens only."""
    top_p: float | None = Field(None, gt=0, le=1, allow_inf_nan=False)
    """Draw from the fewest likeliest tokens that have this probability together."""
    key: KeyField | None = None
    """Such as "G major"; without it the primer's, or the model's choice."""
    meter: MeterField | None = None
    """Such as "3/4"; without it the primer's, or the model's choice. A meter that was asked for does not change."""
    pickup: Ticks | None = Field(None, ge=0)
    """Length of the incomplete first bar: ticks, or quarters as text ("1/2"); without it the model's choice."""
    bars: int | None = Field(None, ge=1, le=MAX_ASKED_BARS)
    """Number of bars, a pickup and its complement counted as one; without it the model's choice."""
    primers: tuple[MelodyField, ...] = ()
    """What stands before: melody i continues primer i, beginning again after the last. `primer` is short for one."""
    held: bool = False
    """Whether the last note of a primer may go on; grid text can stop within one."""
    max_steps: int | None = Field(None, ge=1, le=MAX_STEPS)
    """Tokens after which a melody without a given number of bars is ended at the next bar line; 1,500 by default."""

    meters: MetersField | None = None
    """Such as "3/4 x4, 4/4 x4": bar by bar, instead of one meter. Their sum is the number of bars. A pickup is the end
    of a bar of the first meter; its complement is taken from the last bar."""
    scale: ScaleField | None = None
    """Guaranteed: the pitch class of every note is in this scale on the key's tonic, one of `theory.NAMED_SCALES`.
    `melodic-minor` is its rising form, upwards and downwards."""
    chromatic: int = Field(0, ge=0, le=MAX_ASKED_BARS)
    """Guaranteed: at most so many notes, each counted, are outside the scale."""
    range: RangeField | None = None
    """Such as "D4-G5". Guaranteed: no note is lower or higher."""
    max_leap: int | None = Field(None, ge=0, le=127)
    """Guaranteed: from each note to the next, rests between them left out, are at most so many semitones."""
    leap_recovery: bool = False
    """Guaranteed: after a leap of more than 7 semitones, a fifth, the next note is a step of 1 or 2 semitones the other
    way. So no leap leads to the last note."""
    chords: ChordsField | None = None
    """Such as "G | C | D7 G | G": a bar each from bar 1, from the start again if the melody has more bars. Of n chords
    in a bar of b beats, chord k from 0 enters on beat ceil(k * b / n), counted from 0; beats are dotted in compound
    meters. Guaranteed: a note's chord is the one at its onset. A note that begins on a strong beat (`theory.is_strong`)
    is a tone of its chord. Another is so too, or is passing (from the note before it is a step of 1 or 2 semitones, and
    one in the same direction to the note after) or neighbouring (a step away from the note before, and back to that
    pitch). Rests between them change nothing. The first note and the last are chord tones. A pickup has no chord: the
    notes that begin in it are free."""
    cadence: bool = False
    """Guaranteed: the last note is the tonic, begins on a strong beat and is at least a beat long (a dotted one in
    compound meters); the note before it is the second, fifth or seventh degree of the scale, or the leading note, a
    semitone below the tonic. The scale is the one asked for if it has seven notes, else that of the key's mode."""
    durations: DurationsField | None = None
    """Such as "1/4 1/2 1 2", in quarters. Guaranteed: notes, tied ones as a whole, have these only. Rests are free."""
    max_syncopation: int | None = Field(None, ge=0, le=10_000)
    """Guaranteed: at most so many notes are syncopated: they begin where the meter is weaker than at some later place
    that they sound through (`theory.metric_weight`)."""
    rests: bool = True
    """If false, guaranteed: notes fill the melody from its start to its end."""
    ties_over_bars: bool = True
    """If false, guaranteed: no note begins before a bar line and ends after it."""
    rhythm: RhythmField | None = None
    """Such as "1 1/2 1/2 r:1", in quarters; r: is a rest. Guaranteed: from bar 1 to the end the melody has exactly
    these notes and rests, over and over; a pickup has the rhythm's end. Where the melody begins or ends within the
    rhythm, a note or rest of it begins."""
    contour: ContourField | None = None
    """Such as "+ + - 0": up, up, down, the same. Guaranteed: so go the first notes. With a full stop behind the signs
    the melody ends with them, else it goes on freely."""
    fixed: FixedField | None = None
    """Such as "2.1:G4 4.5/2:D5", bar.beat:pitch. Guaranteed: a note of that pitch begins there. The beat counts from 1
    and may be a fraction (5/2: half a beat after beat 2); beats are dotted in compound meters. Bar 0 is the pickup,
    with the beats of a full bar."""
    form: FormField | None = None
    """Such as "AABA'". Guaranteed: the melody is cut into as many sections of equally many bars, which begin with their
    pickup (tick 0 and whole bars after it). Equal letters with equal primes have the same notes. A letter with a prime
    has the rhythm of the section that it varies, and at least one other pitch. No note sounds across a cut."""
    max_copy: int | None = Field(None, ge=1, le=10_000)
    """Guaranteed: no run of more notes than this is in the tunes that the model was trained on, whatever the key and
    the note values: the longest run by rhythm of `evaluation.originality`."""
    particles: int | None = Field(None, ge=1, le=MAX_PARTICLES)
    """Melodies that are tried side by side for each one that is asked for with rules: more follow the model more
    closely, and take as much longer; 8 by default."""
    within: MelodyField | None = None
    """A melody of which some bars are rewritten; all else in it is kept."""
    rewrite: BarsField | None = None
    """Such as "3-4": the bars to rewrite. A note that is held into them is kept, one held out of them is rewritten."""

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise RequestError(_one_line(error)) from None

    @model_validator(mode="before")
    @classmethod
    def _one_primer(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("primer") is not None:
            if fields.get("primers"):
                raise RequestError("primer and primers can't be given together")
            fields = {**fields, "primers": (fields["primer"],)}
        return {name: value for name, value in fields.items() if name != "primer"}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.temperature == 0:
            if self.top_k is not None or self.top_p is not None:
                raise RequestError("temperature 0 takes the likeliest token: top-k and top-p would have no effect")
            if self.count > max(len(self.primers), 1):
                raise RequestError(f"temperature 0 would give the same melody {self.count} times: ask for one")
        if self.bars is not None and self.max_steps is not None:
            raise RequestError("bars and max-steps can't be given together: the number of bars says where it ends")
        meter = self.first_meter
        if self.pickup and meter is None and not self.primers:
            raise RequestError("a pickup needs a meter: add one, such as 3/4")
        if self.pickup and meter and self.pickup >= meter.bar_ticks:
            quarters = self.pickup / TICKS_PER_QUARTER
            raise RequestError(f"a pickup of {quarters:g} quarters is no shorter than a bar of {meter}")
        if self.primers and not all(primer.notes for primer in self.primers):
            raise RequestError("a primer needs at least one note")
        self._check_meters()
        self._check_rules()
        self._check_rewriting()
        return self

    def _check_meters(self) -> None:
        if self.meters is None:
            return
        if self.meter is not None:
            raise RequestError("meter and meters can't be given together: meters says the first one too")
        bars = sum(span.number for span in self.meters)
        if bars > MAX_ASKED_BARS:
            raise RequestError(f"meters: {bars} bars are more than {MAX_ASKED_BARS}")
        if self.bars not in (None, bars):
            raise RequestError(f"meters are of {bars} bars, and {self.bars} are asked for")
        if self.pickup and self.pickup >= self.meters[-1].meter.bar_ticks:
            raise RequestError(f"a last bar of {self.meters[-1].meter} is no longer than the pickup it completes")

    def _check_rules(self) -> None:
        bars = self.number_of_bars
        if self.chromatic and self.scale is None:
            raise RequestError("chromatic limits the notes outside of a scale: add one, such as major")
        if self.chords and bars and len(self.chords) > bars:
            raise RequestError(f"chords are of {len(self.chords)} bars, and {bars} are asked for")
        if self.form and bars and bars % len(self.form):
            raise RequestError(f"{bars} bars can't be cut into {len(self.form)} equal sections of the form")
        if self.fixed and bars and self.fixed[-1].bar > bars:
            raise RequestError(f"a fixed note stands in bar {self.fixed[-1].bar} of {bars}")
        if self.fixed and self.range:
            for note in self.fixed:
                if not self.range.lowest <= note.pitch <= self.range.highest:
                    raise RequestError(f"the fixed note {typed.format_fixed([note])} is outside the range")
        if self.max_steps is not None and self.rules:
            raise RequestError("max-steps can't be given with rules: they need a number of bars")
        for meter, chords in zip(self._each_meter(), self.chords or (), strict=False):
            if len(chords) > meter.bar_ticks // beat_ticks(meter):
                raise RequestError(f"chords: {len(chords)} in a bar are more than the beats of {meter}")

    def _each_meter(self) -> list[Meter]:
        """The meter of each bar as far as the chart goes; empty where none is asked for."""
        if self.meters is not None:
            return [span.meter for span in self.meters for _ in range(span.number)]
        return [self.meter] * len(self.chords or ()) if self.meter else []

    def _check_rewriting(self) -> None:
        if (self.within is None) != (self.rewrite is None):
            raise RequestError("rewriting needs both a melody and the bars of it: within and rewrite")
        if self.within is None or self.rewrite is None:
            return
        if self.primers or self.bars or self.meter or self.meters or self.pickup:
            raise RequestError("what is rewritten stands in its melody: leave out primer, bars, meter and pickup")
        if not self.within.meters:
            raise RequestError("the melody has no meter, so no bars to rewrite")
        there = [bar.number for bar in self.within.bars()]
        for bar in self.rewrite:
            if bar not in there:
                raise RequestError(f"there is no bar {bar} to rewrite: the melody's are {there[0]} to {there[-1]}")

    @property
    def first_meter(self) -> Meter | None:
        """The meter of the beginning; None where none is asked for."""
        return self.meters[0].meter if self.meters else self.meter

    @property
    def number_of_bars(self) -> int | None:
        """How many bars are asked for, by themselves or by their meters."""
        return sum(span.number for span in self.meters) if self.meters else self.bars

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that are asked for."""
        fields = type(self).model_fields
        return tuple(name for name in RULES if getattr(self, name) != fields[name].default)

    @property
    def step_limit(self) -> int | None:
        """Tokens after which a melody is ended; None where the number of bars was asked for."""
        return None if self.number_of_bars is not None else self.max_steps or DEFAULT_STEPS

    @property
    def steered(self) -> bool:
        """Whether it needs more than a model and its grammar: rules, meters that change, bars to rewrite."""
        return bool(self.rules or self.meters or self.within)

    def only(self, index: int) -> Request:
        """The same request, for melody `index` of it alone; its primer, if any, is the only one."""
        primers = (self.primers[index % len(self.primers)],) if self.primers else ()
        return self.model_copy(update={"count": 1, "primers": primers})


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = "-".join(str(part) for part in first["loc"]).replace("_", "-") or "request"
    if first["type"] == "extra_forbidden":
        return f"a request has no field {name!r}"
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{name} {str(first.get('input'))[:40]!r}: {message}"
