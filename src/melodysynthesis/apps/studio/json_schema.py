"""JSON schemas of requests and melodies, and the formats of files, for every interface of the studio's service."""

from __future__ import annotations

from typing import Any

from melodysynthesis.generation.request import Request
from melodysynthesis.music import MODES

Json = dict[str, Any]

DOWNLOADS = {
    "mid": "audio/midi", "musicxml": "application/vnd.recordare.musicxml+xml", "abc": "text/vnd.abc",
    "krn": "text/plain", "json": "application/json", "svg": "image/svg+xml", "png": "image/png", "wav": "audio/wav",
}  # fmt: skip
"""Formats of files that can be taken away, and their media types."""
# as people type it, and as it is written: keys, chords and the like are text
REQUEST: Json = {
    name: value for name, value in Request.model_json_schema(mode="serialization").items() if name != "required"
}
"""The fields of a request."""
TRIPLES = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 3, "maxItems": 3}
KEY = {
    "type": "object", "properties": {"tonic": {"type": "string"}, "mode": {"enum": list(MODES)}},
    "required": ["tonic", "mode"],
}  # fmt: skip
MELODY: Json = {
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
