"""What the documentation's Python pages show runs as it is written."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def test_the_start_for_developers_runs(tmp_path, monkeypatch):
    pytest.importorskip("music21", reason="needs music21")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "start" / "developer.md").read_text(), re.DOTALL)
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert str(names["certificate"].verdict) in ("kept", "broken")
    assert len(names["variations"]) == 3
