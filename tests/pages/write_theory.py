"""Writes `theory.json`, the library's table of theory, with which the scripts of the pages are tested."""

import json
from pathlib import Path

from melodysynthesis.apps.studio.theory_table import theory_table

if __name__ == "__main__":
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in theory_table().items())
    (Path(__file__).parent / "theory.json").write_text(f"{{\n{lines}\n}}\n")
