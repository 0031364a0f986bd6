"""Rows go to Parquet and come back; what is not known is no row."""

import math
from pathlib import Path

import pytest

from melodysynthesis.corpora import SPLITS_VERSION
from melodysynthesis.errors import FormatError
from melodysynthesis.study import results
from melodysynthesis.study.results import COLUMNS, Measurement

ROWS = [
    Measurement("bits per note", 2.5, 2.4, 2.6, "bits"),
    Measurement("step", 80.0, unit="µs", at=256.0),
    Measurement("figure: Range", math.nan, melody=1),
    Measurement("figure: Range", 12.0, math.nan, math.nan, melody=2),
]


def test_rows_come_back_and_unknown_values_are_none(tmp_path: Path) -> None:
    table = results.table_of(ROWS, "lstm", "event", 3)
    results.save(table, tmp_path / "rows.parquet")
    back = results.load(tmp_path / "rows.parquet")
    assert back.equals(table)
    assert back.schema.names == list(COLUMNS)
    assert back.to_pylist()[-1] == {
        "model": "lstm", "encoding": "event", "seed": 3, "metric": "figure: Range", "at": None, "melody": 2,
        "value": 12.0, "low": None, "high": None, "unit": "",
    }  # fmt: skip
    assert len(back) == 3, "a value that is not known is no row"


def test_equal_tables_are_equal_bytes_and_none_joined_is_empty() -> None:
    table = results.table_of(ROWS, "lstm", "event", 3)
    assert results.to_parquet(table) == results.to_parquet(results.table_of(ROWS, "lstm", "event", 3))
    assert len(results.joined({})) == 0


def test_rows_of_two_versions_of_the_splits_are_not_joined(tmp_path: Path) -> None:
    table = results.table_of(ROWS, "lstm", "event", 3)
    results.save(table, tmp_path / "new.parquet")
    results.save(table.replace_schema_metadata({}), tmp_path / "old.parquet")
    new, old = (results.load(tmp_path / f"{name}.parquet") for name in ("new", "old"))
    assert (results.splits_version(new), results.splits_version(old)) == (SPLITS_VERSION, 1)
    assert results.splits_version(results.joined({"old": old})) == 1
    with pytest.raises(FormatError, match=f"old: rows on splits of version 1, and new has version {SPLITS_VERSION}"):
        results.joined({"new": new, "old": old})
    assert len(results.joined({"one": table, "other": table})) == 2 * len(table)


def test_what_is_no_table_of_results_is_told_in_one_line(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    with pytest.raises(FormatError, match="no such file"):
        results.load(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(FormatError, match=r"rows.parquet: no Parquet file, or damaged") as caught:
        results.load(path)
    assert "\n" not in str(caught.value)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(FormatError, match=r"columns a, expected model, encoding"):
        results.load(path)
