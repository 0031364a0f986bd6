"""JSON schemas of requests and melodies, and the formats of files, for every interface of the studio's service."""

from __future__ import annotations

from typing import Any

from melodysynthesis.apps.studio.limits import MAX_OF_FIELD
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.specification import fields_of
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
WITHOUT_CONTROL = {
    "primers": "the melody that is shown: Continue",
    "within": "the melody that is shown: Rewrite",
    "rewrite": "the bars that are chosen in the roll: Rewrite",
    "rules_for": "the tick box beside Rewrite",
    "held": "of primers written as grid text, which the page has none of",
    "judge": "a file of the machine that the studio runs on",
    "redraw": "written by the program, when a melody equals an earlier one",
    "prefer": "the word beside each rule: guaranteed, or encouraged",
}
"""Fields of a request that have no control of their own on the page, with what says them there, or why nothing does."""
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


def basic_fields() -> list[Json]:
    """The fields of a request that are no rules and have a control on the page, described as `rules.describe` does."""
    of_rules = {field.name for field in fields_of(RULES.values())}
    names = (name for name in REQUEST["properties"] if name not in of_rules and name not in WITHOUT_CONTROL)
    return [_basic_field(name, REQUEST["properties"][name]) for name in names]


def _basic_field(name: str, schema: Json) -> Json:
    one = next((kind for kind in schema.get("anyOf", ()) if kind["type"] != "null"), schema)
    kind = "quarters" if name == "pickup" else ("text" if one["type"] == "string" else "number")
    return {
        "name": name, "label": name.replace("_", " "), "kind": kind, "help": schema["description"].replace("\n", " "),
        "min": one.get("minimum"), "max": MAX_OF_FIELD.get(name, one.get("maximum")), "whole": one["type"] == "integer",
        "default": schema.get("default"),
    }  # fmt: skip
