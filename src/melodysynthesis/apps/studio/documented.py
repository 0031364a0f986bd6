"""What OpenAPI says of the studio's interface, where types of Python do not say it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, ConfigDict, WithJsonSchema

from melodysynthesis.generation.request import Request
from melodysynthesis.music import MODES

Json = dict[str, Any]
Responses = dict[int | str, Json]

DOWNLOADS = {
    "mid": "audio/midi", "musicxml": "application/vnd.recordare.musicxml+xml", "abc": "text/vnd.abc",
    "krn": "text/plain", "json": "application/json", "svg": "image/svg+xml", "png": "image/png", "wav": "audio/wav",
}  # fmt: skip
"""Formats of files that can be taken away, and their media types."""
ASKING = Body(openapi_examples={"waltz": {"value": {"bars": 8, "meter": "3/4", "key": "G major", "cadence": True}}})
# as people type it, and as it is written: keys, chords and the like are text
_SCHEMA = {name: value for name, value in Request.model_json_schema(mode="serialization").items() if name != "required"}
DOCUMENTED = {"requestBody": {"content": {"application/json": {"schema": _SCHEMA}}}}
ANY_BYTES = {
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


class Mistake(BaseModel):
    """Why there is no answer: one line for people."""

    message: str


MISTAKES: Responses = {
    status: {"model": Mistake, "description": why}
    for status, why in {
        400: "What came is no JSON", 403: "From another page, or by a name that is none of the studio's",
        413: "More bytes than are taken", 422: "A mistake in what is asked", 500: "The studio's own failure",
        503: "Too many are waiting", 504: "It took too long, and was stopped",
    }.items()
}  # fmt: skip
TRIPLES = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 3, "maxItems": 3}
KEY = {
    "type": "object", "properties": {"tonic": {"type": "string"}, "mode": {"enum": list(MODES)}},
    "required": ["tonic", "mode"],
}  # fmt: skip
MELODY = {
    "type": "object",
    "description": "A melody as its JSON file says it; times in ticks, 24 to the quarter",
    "properties": {
        "notes": {"type": "array", "description": "onset, duration and MIDI number of each", "items": TRIPLES},
        "duration": {"type": "integer", "minimum": 0},
        "meters": {"type": "array", "description": "tick, beats and beat unit of each", "items": TRIPLES},
        "key": {"anyOf": [KEY, {"type": "null"}]},
        "phrase_ends": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "pickup": {"type": "integer", "minimum": 0},
        "source": {"type": "string"},
    },
    "required": ["notes", "duration"],
    "example": {"notes": [[0, 24, 67], [24, 24, 69], [48, 48, 71]], "duration": 96, "meters": [[0, 4, 4]]},
}


class Tune(BaseModel):
    """A melody as `formats.json` writes it."""

    model_config = ConfigDict(extra="forbid")
    melody: Annotated[Json, WithJsonSchema(MELODY)]


class Judged(Tune):
    """A melody, and the request that it is judged by."""

    request: Json | None = None


class Drawn(Tune):
    """A melody, and the width of its score in pixels."""

    width: Annotated[int, Body(ge=280, le=3000)] = 900


def of_type(*media: str) -> Responses:
    """A response of one of these media types."""
    return {200: {"content": {kind: {} for kind in media}}}
