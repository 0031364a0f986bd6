"""Tidy results: one row a measurement, kept in Parquet.

========  =====================================================================================================
column    what
========  =====================================================================================================
model     name in the plan, or ``"people"`` for held-out tunes judged in the place of a model
encoding  ``"event"``, ``"grid"``; empty for people
seed      of the trial; 0 for people
metric    ``"bits per note"``; what belongs together shares a prefix: ``"figure: Pitch Range"``
at        where a metric was taken that is a function of something: a temperature, an epoch, a batch size
melody    number of the melody or tune, from 0; none for a measurement of all
value     in `unit`
low       lower end of the 95 % interval, where there is one
high      upper end
unit      ``"bits"``, ``"semitones"``, ...; empty for a plain number or a share
========  =====================================================================================================

What is not known (a figure that a melody does not have) is no row.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from melodysynthesis.corpora import SPLITS_VERSION
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import files

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BYTES = 2**30
PEOPLE = "people"
_SPLITS = b"splits_version"
"""In a table's metadata."""


class Measurement(NamedTuple):
    """One measurement of a trial that is known from where it lies; see the module's docstring."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    at: float | None = None
    melody: int | None = None


COLUMNS = ("model", "encoding", "seed", "metric", "at", "melody", "value", "low", "high", "unit")


def table_of(rows: Iterable[Measurement], model: str, encoding: str, seed: int) -> pa.Table:
    """The rows of a trial as a table; those without a value are left out. It notes the version of the splits."""
    import pyarrow as pa

    known = [row for row in rows if isfinite(row.value)]
    constants = {"model": model, "encoding": encoding, "seed": seed}
    columns = {
        name: [constants[name]] * len(known) if name in constants else [_finite(getattr(row, name)) for row in known]
        for name in COLUMNS
    }
    return pa.table(columns, schema=_schema(SPLITS_VERSION))


def to_parquet(table: pa.Table) -> bytes:
    """The bytes of a Parquet file; equal tables give equal bytes."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def save(table: pa.Table, path: Path) -> None:
    """Write a Parquet file, whole or not at all.

    Raises:
        FormatError: where it can't be written.
    """
    files.save(path, to_parquet(table))


def load(path: Path) -> pa.Table:
    """Read what `save` wrote.

    Raises:
        FormatError: if the file is missing, damaged or holds other columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = files.load(path, MAX_BYTES)
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FormatError(f"no Parquet file, or damaged: {str(error).splitlines()[0][:120]}", str(path)) from None
    if table.schema.names != list(COLUMNS):
        reason = f"a Parquet file with columns {', '.join(table.schema.names)[:80]}, expected {', '.join(COLUMNS)}"
        raise FormatError(reason, str(path))
    return table.cast(_schema(splits_version(table)))


def splits_version(table: pa.Table) -> int:
    """The version of the splits that a table was measured on; 1 if it notes none."""
    noted = (table.schema.metadata or {}).get(_SPLITS, b"1")
    return int(noted) if noted.isdigit() else 0


def joined(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Several tables as one; empty for none.

    Args:
        tables: by name, for messages.

    Raises:
        FormatError: if they were measured on different splits, naming two tables.
    """
    import pyarrow as pa

    versions = {splits_version(table): name for name, table in tables.items()}
    if len(versions) > 1:
        (old, here), *_, (new, there) = sorted(versions.items())
        reason = f"rows on splits of version {old}, and {there} has version {new}: they can't be compared"
        raise FormatError(reason, here)
    return pa.concat_tables([*tables.values(), _schema(*versions or {SPLITS_VERSION}).empty_table()])


def _schema(version: int) -> pa.Schema:
    import pyarrow as pa

    text = pa.string()
    types: dict[str, Any] = dict.fromkeys(("model", "encoding", "metric", "unit"), text)
    types |= dict.fromkeys(("value", "low", "high", "at"), pa.float64())
    types |= dict.fromkeys(("seed", "melody"), pa.int32())
    return pa.schema([(name, types[name]) for name in COLUMNS], {_SPLITS: str(version).encode()})


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
