"""What two sets of melodies both say, so that one is not known by its notation.

Grid text says no meter, key or phrases, MIDI no phrases. What no melody of one set says is taken from the other too: so
people's songs are heard as the generated ones are. A key that is not stated is then found (`theory.find_key`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from melodysynthesis.music import Melody

_SAYS: dict[str, dict[str, Any]] = {
    "meters": {"meters": (), "pickup": 0},
    "key": {"key": None},
    "phrase_ends": {"phrase_ends": ()},
}
"""What a melody may say, by the field that says it -> fields without it."""
MARKS = frozenset(_SAYS)
"""All that grid text does not say."""


def unsaid(*sets: Sequence[Melody]) -> frozenset[str]:
    """What no melody of some set says: of ``meters``, ``key`` and ``phrase_ends``. Empty sets are not asked."""
    return frozenset(name for name in _SAYS for each in sets if each and not any(getattr(one, name) for one in each))


def without(melodies: Sequence[Melody], names: frozenset[str]) -> list[Melody]:
    """The melodies without what is named."""
    taken = {field: value for name in sorted(names) for field, value in _SAYS[name].items()}
    return [replace(melody, **taken) for melody in melodies] if taken else list(melodies)
