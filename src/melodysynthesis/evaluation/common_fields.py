"""Remove from two sets of melodies what only one of them encodes, so that no measure depends on the notation.

Grid text has no meter, key or phrases, MIDI no phrases. What no melody of one set has is removed from the other too. A
key that is not stated is then estimated (`theory.find_key`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from melodysynthesis.music import Melody

_FIELDS: dict[str, dict[str, Any]] = {
    "meters": {"meters": (), "pickup": 0},
    "key": {"key": None},
    "phrase_ends": {"phrase_ends": ()},
}
"""What a melody may have, by its field -> the fields of a melody without it."""
MARKS = frozenset(_FIELDS)
"""All that grid text does not encode."""


def unsaid(*sets: Sequence[Melody]) -> frozenset[str]:
    """Those of ``meters``, ``key`` and ``phrase_ends`` that no melody of some set has. Empty sets are ignored."""
    return frozenset(name for name in _FIELDS for each in sets if each and not any(getattr(one, name) for one in each))


def without(melodies: Sequence[Melody], names: frozenset[str]) -> list[Melody]:
    """The melodies without the named fields."""
    taken = {field: value for name in sorted(names) for field, value in _FIELDS[name].items()}
    return [replace(melody, **taken) for melody in melodies] if taken else list(melodies)
