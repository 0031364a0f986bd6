"""What a score file may hold. Beyond that it is hostile or no melody, and reading it would eat the memory."""

from melodysynthesis.errors import FormatError
from melodysynthesis.music import TICKS_PER_QUARTER

MAX_FILE_BYTES = 64 * 2**20
MAX_NOTES = 100_000
"""Notes of one part."""
MAX_TICKS = 100_000 * TICKS_PER_QUARTER
"""Length of one melody: 100,000 quarters are fourteen hours at 120 a minute."""

MAX_MELODIES = 20_000
"""Melodies of one file of kern, grid text or JSON."""

MAX_ROWS = 1_000_000
"""Rows of one file of ABC or kern."""

MAX_PARTS = 1_000
"""Parts of one score in MusicXML, and columns of one row of kern."""


def check_melodies(count: int, source: str) -> None:
    """Refuse a file of more than `MAX_MELODIES` melodies.

    Raises:
        FormatError: kind ``"too large"``.
    """
    if count > MAX_MELODIES:
        raise FormatError(f"it holds {count:,} melodies; at most {MAX_MELODIES:,} are read", source, "too large")


def check_file_size(size: int, source: str, limit: int = MAX_FILE_BYTES) -> None:
    """Refuse a file of more than `limit` bytes.

    Raises:
        FormatError: kind ``"too large"``.
    """
    if size > limit:
        reason = f"the file has {size:,} bytes; at most {limit:,} are read"
        raise FormatError(reason, source, "too large")


def check_rows(data: bytes, source: str) -> None:
    """Refuse a text of more than `MAX_ROWS` rows.

    Raises:
        FormatError: kind ``"too large"``.
    """
    if max(data.count(b"\n"), data.count(b"\r")) > MAX_ROWS:
        raise FormatError(f"it has more than {MAX_ROWS:,} rows", source, "too large")


def check_length(notes: int, ticks: int, source: str) -> None:
    """Refuse a part of more than `MAX_NOTES` notes or `MAX_TICKS` ticks.

    Raises:
        FormatError: kind ``"too large"``.
    """
    if notes > MAX_NOTES:
        raise FormatError(f"a part has {notes:,} notes; at most {MAX_NOTES:,} are read", source, "too large")
    if ticks > MAX_TICKS:
        quarters, limit = ticks // TICKS_PER_QUARTER, MAX_TICKS // TICKS_PER_QUARTER
        raise FormatError(f"it lasts {quarters:,} quarters; at most {limit:,} are read", source, "too large")
