"""What a person asks for, checked before anything is generated. The command line, the library and the web share it."""

from __future__ import annotations

import secrets
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

from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.notation import parse_key, parse_meter, parse_notes, parse_quarters
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter
from melodysynthesis.runtime.pretrained import DEFAULT

MAX_COUNT = 100_000
MAX_ASKED_BARS = 127
DEFAULT_STEPS = 1_500
"""As many as the original study's generator took."""
MAX_STEPS = 1_000_000


def fresh_seed() -> int:
    """A seed that nobody chose, short enough to be typed again."""
    return secrets.randbelow(1_000_000)


def _to_key(value: object) -> object:
    return parse_key(value) if isinstance(value, str) else value


def _to_meter(value: object) -> object:
    return parse_meter(value) if isinstance(value, str) else value


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

    def __init__(self, **fields: Any) -> None:
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
        if self.pickup and self.meter is None and not self.primers:
            raise RequestError("a pickup needs a meter: add one, such as 3/4")
        if self.pickup and self.meter and self.pickup >= self.meter.bar_ticks:
            quarters = self.pickup / TICKS_PER_QUARTER
            raise RequestError(f"a pickup of {quarters:g} quarters is no shorter than a bar of {self.meter}")
        if self.primers and not all(primer.notes for primer in self.primers):
            raise RequestError("a primer needs at least one note")
        return self

    @property
    def step_limit(self) -> int | None:
        """Tokens after which a melody is ended; None where the number of bars was asked for."""
        return None if self.bars is not None else self.max_steps or DEFAULT_STEPS

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
