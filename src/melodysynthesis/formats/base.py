"""What a format is: a name, its file suffixes, and `read` and `write` between bytes and melodies."""

from collections.abc import Callable
from dataclasses import dataclass, field

from melodysynthesis.errors import FormatError
from melodysynthesis.music import Melody


@dataclass(slots=True)
class Reading:
    """What a file gave.

    Attributes:
        melodies: in file order; each one's `source` names the file and, in a tune book, the tune.
        problems: one for each tune of a tune book that can't be read. A file of which nothing can be read raises.
        notices: what the reader had to decide, one line each, to be shown to the user:
            ``x.mid: 3 parts; took part 2, 'Melody', as named; of 12 chords the top note``.
    """

    melodies: list[Melody] = field(default_factory=list)
    problems: list[FormatError] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


Reader = Callable[[bytes, str, str | None], Reading]
"""``read(data, source, part)``: `source` is the file's name for messages, `part` a part or track requested by name
or by its number from 1, None to let the reader choose. Raises `FormatError` where nothing can be read."""

Writer = Callable[[Melody], bytes]
"""``write(melody)``: the same melody always gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Format:
    """One line of the table of formats."""

    name: str
    suffixes: tuple[str, ...]
    read: Reader | None
    write: Writer | None
    keeps: frozenset[str] = frozenset()
    """What of a melody survives `read(write(melody))` in addition to the notes: of ``duration``, ``meters``, ``key``,
    ``phrase_ends``, ``pickup``. The round-trip test is built from this."""
