"""A request for melodies, checked before anything is generated. The command line, the library and the web share it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    create_model,
    model_validator,
)  # fmt: skip

from melodysynthesis.configuration import own_field_help
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.rules.grouping import parse_grouping
from melodysynthesis.constraints.specification import FieldSpec, RequestedBars, fields_of
from melodysynthesis.encodings.plan import Plan, parse_plan
from melodysynthesis.errors import FormatError, RequestError, unknown
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.request_errors import one_line
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter
from melodysynthesis.notation import (
    MeterSpan,
    format_bars,
    format_meters,
    parse_bars,
    parse_key,
    parse_meter,
    parse_meters,
    parse_notes,
    parse_quarters,
    split_items,
)  # fmt: skip
from melodysynthesis.runtime.pretrained import DEFAULT

MAX_COUNT = 100_000
MAX_BARS_OF_REQUEST = 127
DEFAULT_STEPS = 1_500
"""The limit of the original study's generator."""
MAX_STEPS = 1_000_000
MAX_PARTICLES = 1_024
MAX_DRAFTS = 64
MAX_REDRAWS = 16
NEW = "new"
"""Rules hold for what is written anew only."""


def fresh_seed() -> int:
    """A random seed, short enough to be typed again."""
    return secrets.randbelow(1_000_000)


def _typed(parse: Callable[[str], Any], write: Callable[[Any], str] = str) -> tuple[BeforeValidator, PlainSerializer]:
    """How a field is read from text, and written as text again; other values are taken as they are."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value), PlainSerializer(write)


def _to_ticks(value: object) -> object:
    if isinstance(value, str):
        return 0 if value.strip() == "0" else parse_quarters(value)
    return value


def _to_wishes(text: str) -> tuple[str, ...]:
    words = split_items(text, "prefer", "chords max-leap")
    names = tuple(dict.fromkeys(word.removeprefix("--").replace("-", "_") for word in words))
    for name in names:
        if name not in RULES:
            raise RequestError(f"prefer: {unknown('rule', name[:40], RULES)}")
    return names


def _to_melody(value: object) -> Melody:
    if isinstance(value, Melody):
        return value
    try:
        return parse_notes(value) if isinstance(value, str) else melody_json.from_dict(value)
    except FormatError as error:
        raise RequestError(f"primer: {error}") from None


KeyField = Annotated[Key, *_typed(parse_key)]
MeterField = Annotated[Meter, *_typed(parse_meter)]
Ticks = Annotated[int, BeforeValidator(_to_ticks)]
MelodyField = Annotated[Melody, PlainValidator(_to_melody), PlainSerializer(melody_json.to_dict)]
MetersField = Annotated[tuple[MeterSpan, ...], *_typed(parse_meters, format_meters)]
WishesField = Annotated[tuple[str, ...], *_typed(_to_wishes, " ".join)]
PlanField = Annotated[Plan, *_typed(parse_plan)]
BarsField = Annotated[tuple[int, int], *_typed(parse_bars, format_bars)]


def _field(spec: FieldSpec) -> tuple[Any, Any]:
    """The type and the default of a rule's field, as pydantic takes them."""
    kind = spec.type
    if spec.parse is not None:
        kind = Annotated[kind, *_typed(spec.parse, spec.write)]
    limits: dict[str, Any] = {"ge": spec.lowest, "le": spec.highest} if spec.type is int else {}
    kind = kind | None if spec.default is None else kind
    return kind, Field(spec.default, description=spec.guarantee, examples=[spec.example], title=spec.label, **limits)


class _Basics(BaseModel):
    """The fields that are no rules. Schemas are built for `Request` alone, as each takes as long as an import."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    model: str = Field(DEFAULT, min_length=1)
    """Name or file of the model."""
    count: int = Field(1, ge=1, le=MAX_COUNT)
    """How many melodies. Melody i of a seed does not depend on it."""
    seed: int = Field(default_factory=fresh_seed, ge=0, lt=2**63)
    """The same seed gives the same melodies; without one a random seed is drawn and reported."""
    temperature: float = Field(0.9, ge=0, le=100, allow_inf_nan=False)
    """Below 1 the likely becomes likelier; 0 always takes the likeliest token."""
    top_k: int | None = Field(None, ge=1)
    """Draw from the k likeliest tokens only."""
    top_p: float | None = Field(None, gt=0, le=1, allow_inf_nan=False)
    """Draw from the fewest likeliest tokens that have this probability together."""
    drafts: int | None = Field(None, ge=1, le=MAX_DRAFTS)
    """Whole melodies from which a judge draws one by its odds; 1 draws without a judge. By default 4 for the models
    that the judge was trained with, else 1. With rules, the judge weighs the particles that have ended."""
    judge: str | None = Field(None, min_length=1)
    """File of the judge, as `melody train-judge` writes it; by default the one that ships."""
    key: KeyField | None = None
    """Such as "G major"; without it the primer's, or the model's choice."""
    meter: MeterField | None = None
    """Such as "3/4"; without it the primer's, or the model's choice. A requested meter does not change."""
    pickup: Ticks | None = Field(None, ge=0)
    """Length of the incomplete first bar: ticks, or quarters as text ("1/2"); without it the model's choice."""
    bars: int | None = Field(None, ge=1, le=MAX_BARS_OF_REQUEST)
    """Number of bars, a pickup and its complement counted as one; without it the model's choice."""
    primers: tuple[MelodyField, ...] = ()
    """Melodies to continue; reused in turn when there are more melodies than primers. `primer` is short for one."""
    held: bool = False
    """Whether the last note of a primer may go on; grid text can stop within one."""
    max_steps: int | None = Field(None, ge=1, le=MAX_STEPS)
    """Tokens after which a melody without a given number of bars is ended at the next bar line; 1,500 by default."""

    title: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\r\n\x00]+$")
    """Of the melody, for its files; without it that of the melody that is continued or rewritten."""
    meters: MetersField | None = None
    """Such as "3/4 x4, 4/4 x4": bar by bar, instead of one meter. Their sum is the number of bars. A pickup is the end
    of a bar of the first meter; its complement is taken from the last bar."""


if TYPE_CHECKING:
    from pydantic_core import CoreSchema

    class _WithRules(_Basics):
        def __getattr__(self, name: str) -> Any:
            """The value of a rule's field."""

else:
    _WithRules = create_model(
        "_WithRules", __base__=_Basics, **{spec.name: _field(spec) for spec in fields_of(RULES.values())}
    )


class _Fields(_WithRules):
    """All fields: the basics, a field for each rule, and what the program itself adds to a request."""

    plan: PlanField | None = None
    """Phrases before the notes, such as "A:8 B:8 A':8 last:1": letter, with a prime for a variation, and length in
    quarters of each, and the degree of the last note. For models that plan; without it they draw a plan themselves."""
    prefer: WishesField | None = None
    """Names of rules that are wishes, such as "chords max-leap": one that conflicts with the others is left
    out, the last first. The JSON says what share of the melody keeps each."""
    redraw: int | None = Field(None, ge=1, le=MAX_REDRAWS)
    """How often a melody was drawn again, because it equalled an earlier one of its request. The JSON file of such a
    melody records it, so that the melody can be made again by itself."""
    particles: int | None = Field(None, ge=1, le=MAX_PARTICLES)
    """Particles for each melody with rules: more follow the model more closely and take longer; 8 by default."""
    within: MelodyField | None = None
    """A melody of which some bars are rewritten; all else in it is kept."""
    rewrite: BarsField | None = None
    """Such as "3-4": the bars to rewrite. A note that is held into them is kept, one held out of them is rewritten."""
    rules_for: Literal["all", "new"] = "all"
    """With "new" the rules hold for the notes that are written into the bars to rewrite, and no other is judged. Rules
    on the whole melody, or on how often something comes, can't be asked for then."""


class Request(_Fields):
    """What to generate, with a field for each of `constraints.rules.RULES`. Contradictions raise on construction.

    Raises:
        RequestError: in one line, naming the field and what it may be.
    """

    model_config = ConfigDict(defer_build=False)

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise one_line(error, type(self).model_fields) from None

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The JSON schema; each field is described by the string below it. pydantic would read them at each start."""
        found = handler.resolve_ref_schema(handler(schema))
        for name, text in (own_field_help(_Basics) | own_field_help(_Fields)).items():
            found["properties"][name].setdefault("description", text)
        return found

    @model_validator(mode="before")
    @classmethod
    def _one_primer(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("primer") is not None:
            if fields.get("primers"):
                raise RequestError("primer and primers can't be given together")
            fields = {**fields, "primers": (fields["primer"],)}
        return _in_key(_grouped({name: value for name, value in fields.items() if name != "primer"}))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._complete()
        if self.temperature == 0:
            if self.top_k is not None or self.top_p is not None:
                raise RequestError("temperature 0 takes the likeliest token: top-k and top-p would have no effect")
            if (self.drafts or 1) > 1:
                raise RequestError("temperature 0 takes the likeliest token: all drafts would be the same")
            if self.count > max(len(self.primers), 1):
                raise RequestError(f"temperature 0 would give the same melody {self.count} times: set count to 1")
        if self.judge is not None and self.drafts == 1:
            raise RequestError("a judge draws one of several drafts: with drafts 1 it would have no effect")
        if self.bars is not None and self.max_steps is not None:
            raise RequestError("bars and max-steps can't be given together: the number of bars determines the end")
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

    def _complete(self) -> None:
        """Add the fields that follow from rules."""
        if self.plan is not None:
            self.__dict__.update(bars=self._planned_bars(self.plan))
        for name in self.rules:
            self.__dict__.update(
                RULES[name].completes({field: getattr(self, field) for field in type(self).model_fields})
            )

    def _planned_bars(self, plan: Plan) -> int:
        """The number of bars that a plan fills."""
        if self.primers or self.within is not None:
            raise RequestError("a plan is for a whole melody: leave out the primer, or the bars to rewrite")
        if self.meter is None:
            raise RequestError("a plan needs one meter: add it, such as 3/4")
        if self.rules:
            rule = RULES[self.rules[0]].flag.split()[0]
            raise RequestError(
                f"a plan can't be given with rules: leave out {rule}, or ask for phrases and form instead"
            )
        bars, beyond = divmod(plan.ticks, self.meter.bar_ticks)
        quarters = plan.ticks / TICKS_PER_QUARTER
        if beyond:
            raise RequestError(f"a plan of {quarters:g} quarters does not fill bars of {self.meter}")
        if self.bars not in (None, bars):
            raise RequestError(f"a plan of {quarters:g} quarters has {bars} bars of {self.meter}, not {self.bars}")
        if bars > MAX_BARS_OF_REQUEST:
            raise RequestError(f"plan: {bars} bars are more than {MAX_BARS_OF_REQUEST}")
        return bars

    def _check_meters(self) -> None:
        if self.meters is None:
            return
        if self.meter is not None:
            raise RequestError("meter and meters can't be given together: meters says the first one too")
        bars = sum(span.number for span in self.meters)
        if bars > MAX_BARS_OF_REQUEST:
            raise RequestError(f"meters: {bars} bars are more than {MAX_BARS_OF_REQUEST}")
        if self.bars not in (None, bars):
            raise RequestError(f"meters are of {bars} bars, but {self.bars} are requested")
        if self.pickup and self.pickup >= self.meters[-1].meter.bar_ticks:
            raise RequestError(f"a last bar of {self.meters[-1].meter} is no longer than the pickup it completes")

    def _check_rules(self) -> None:
        for rule in RULES.values():
            requested = rule.name in self.rules
            if requested:
                rule.check(self.rule_values, self.requested_bars)
            for option in rule.options:
                if not requested and getattr(self, option.name) != option.default:
                    raise RequestError(f"{option.name} changes the rule {rule.name}: add it, such as {rule.flag}")
        for name in self.wishes:
            if name not in RULES:
                raise RequestError(f"prefer: {unknown('rule', name[:40], RULES)}")
            if name not in self.rules:
                raise RequestError(f"prefer {name.replace('_', '-')}: add that rule, such as {RULES[name].flag}")
        if self.max_steps is not None and self.rules:
            raise RequestError("max-steps can't be given with rules: they need a number of bars")

    def _check_rewriting(self) -> None:
        if (self.within is None) != (self.rewrite is None):
            raise RequestError("rewriting needs both a melody and the bars of it: within and rewrite")
        if self.rules_for == NEW:
            self._check_new_bars()
        if self.within is None or self.rewrite is None:
            return
        if self.primers or self.bars or self.meter or self.meters or self.pickup:
            raise RequestError(
                "rewriting takes bars, meter and pickup from the melody: leave out those, and the primer"
            )
        if not self.within.meters:
            raise RequestError("the melody has no meter, so no bars to rewrite")
        there = [bar.number for bar in self.within.bars()]
        for bar in self.rewrite:
            if bar not in there:
                raise RequestError(f"there is no bar {bar} to rewrite: the melody's are {there[0]} to {there[-1]}")

    def _check_new_bars(self) -> None:
        if self.rewrite is None:
            raise RequestError("rules-for new is for bars that are rewritten: there are none")
        whole = [name for name in self.rules if not RULES[name].by_bar]
        whole += ["chromatic"] if self.rule_values["chromatic"] else []
        if whole:
            names = ", ".join(whole).replace("_", "-")
            raise RequestError(f"rules-for new: {names} can't be judged in some bars only; leave it out")

    @property
    def first_meter(self) -> Meter | None:
        """The meter of the beginning; None if none is requested."""
        return self.meters[0].meter if self.meters else self.meter

    @property
    def number_of_bars(self) -> int | None:
        """How many bars are requested, by their number or by their meters."""
        return sum(span.number for span in self.meters) if self.meters else self.bars

    @property
    def requested_bars(self) -> RequestedBars:
        """The number of bars and their meters, as far as they are requested."""
        if self.meters is not None:
            return RequestedBars(
                self.number_of_bars, tuple(one.meter for one in self.meters for _ in range(one.number))
            )
        return RequestedBars(self.bars, (self.meter,) if self.meter else ())

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that are requested."""
        return tuple(name for name, rule in RULES.items() if getattr(self, name) != rule.default)

    @property
    def wishes(self) -> tuple[str, ...]:
        """Names of the rules that need not be kept."""
        return self.prefer or ()

    @property
    def needs_tunes(self) -> bool:
        """Whether a rule is on the tunes that the model was trained on."""
        return any(RULES[name].needs_tunes for name in self.rules)

    @property
    def rule_values(self) -> dict[str, Any]:
        """The values of all rules' fields by name, options included."""
        return {field.name: getattr(self, field.name) for field in fields_of(RULES.values())}

    @property
    def step_limit(self) -> int | None:
        """Tokens after which a melody is ended; None where the number of bars is requested."""
        return None if self.number_of_bars is not None else self.max_steps or DEFAULT_STEPS

    @property
    def steered(self) -> bool:
        """Whether it needs more than a model and its grammar: rules, meters that change, bars to rewrite."""
        return bool(self.rules or self.meters or self.within)

    @property
    def basis(self) -> Melody | None:
        """The melody that a request for one melody continues or rewrites, whose title, tempo and lyrics it keeps."""
        return self.within or (self.primers[0] if self.primers else None)

    def only(self, index: int) -> Request:
        """The same request, for melody `index` of it alone; its primer, if any, is the only one."""
        primers = (self.primers[index % len(self.primers)],) if self.primers else ()
        return self.model_copy(update={"count": 1, "primers": primers})


def _grouped(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, where a meter such as "3+2/4" says its grouping: as 5/4 with the grouping 3+2."""
    meter = fields.get("meter")
    if not isinstance(meter, str) or "+" not in meter:
        return fields
    groups, _, unit = meter.rpartition("/")
    if fields.get("grouping") is not None:
        raise RequestError(f"meter {meter[:40]!r} says the grouping of its beats: leave out grouping")
    return fields | {"meter": f"{sum(parse_grouping(groups))}/{unit}", "grouping": groups}


def _in_key(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, with texts that are relative to the key as they are in it: that of the request, or of its melody."""
    relative = [spec for spec in fields_of(RULES.values()) if spec.in_key and isinstance(fields.get(spec.name), str)]
    if not relative:
        return fields
    key = fields.get("key")
    melodies = [fields.get("within"), *(fields.get("primers") or ())]
    if key is None:
        key = next((one.key for one in melodies if isinstance(one, Melody) and one.key), None)
    key = parse_key(key) if isinstance(key, str) else key
    return fields | {spec.name: spec.in_key(fields[spec.name], key) for spec in relative if spec.in_key}
