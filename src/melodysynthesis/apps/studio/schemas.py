"""OpenAPI descriptions of the studio's HTTP interface, beyond what Python's types tell."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Body
from pydantic import BaseModel, ConfigDict, WithJsonSchema

from melodysynthesis.apps.studio.json_schema import MELODY, REQUEST, Json
from melodysynthesis.harmony import MAX_ALTERNATIVES, SPICE

Responses = dict[int | str, Json]

REQUEST_EXAMPLE = Body(
    openapi_examples={"waltz": {"value": {"bars": 8, "meter": "3/4", "key": "G major", "cadence": True}}}
)
REQUEST_BODY = {"requestBody": {"content": {"application/json": {"schema": REQUEST}}}}
ANY_BYTES = {
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


class ErrorMessage(BaseModel):
    """Why there is no answer: one line for people."""

    message: str


ERROR_RESPONSES: Responses = {
    status: {"model": ErrorMessage, "description": why}
    for status, why in {
        400: "What came is no JSON", 403: "From another page, or by a name that is none of the studio's",
        413: "More bytes than are taken", 422: "A mistake in the request", 500: "The studio's own failure",
        503: "Too many are waiting", 504: "It took too long, and was stopped",
    }.items()
}  # fmt: skip


class MelodyBody(BaseModel):
    """A melody as `formats.json` writes it."""

    model_config = ConfigDict(extra="forbid")
    melody: Annotated[Json, WithJsonSchema(MELODY)]


class MelodyToJudge(MelodyBody):
    """A melody, and the request that it is judged by."""

    request: Json | None = None


class MelodyToVary(MelodyBody):
    """A melody, what others keep of it, and other fields of their request."""

    keep: Annotated[list[str], Body(max_length=3)]
    request: Json = {}


class MelodyToConvert(MelodyBody):
    """A melody, and whether a MIDI file plays its chords."""

    backing: bool = False


class MelodyWithChords(MelodyBody):
    """A melody, and a chart of chords such as ``G | C | D7 G | G``; without one its own chords are meant."""

    chords: Annotated[str, Body(max_length=20_000)] = ""


class MelodyToHarmonise(MelodyBody):
    """A melody, how often its chords may change, how simple they are, and in how many ways."""

    harmonic_rhythm: Literal["bar", "half", "beat"] | None = None
    spice: Annotated[int, Body(ge=SPICE[0], le=SPICE[-1])] = 1
    alternatives: Annotated[int, Body(ge=1, le=MAX_ALTERNATIVES)] = 1


class MelodyToEngrave(MelodyBody):
    """A melody, and the width of its score in pixels."""

    width: Annotated[int, Body(ge=280, le=3000)] = 900


def of_type(*media: str) -> Responses:
    """A response of one of these media types."""
    return {200: {"content": {kind: {} for kind in media}}}
