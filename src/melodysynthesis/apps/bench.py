"""`melody bench`: the benchmarks of the source tree."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from melodysynthesis.apps.console import say_table
from melodysynthesis.errors import MelodyError, unknown

FOLDERS = (Path(__file__).parents[3] / "benchmarks", Path("benchmarks"))
"""Where benchmarks are: next to a package that runs from its source tree, or in the folder of the project."""


def command(
    name: Annotated[str | None, typer.Argument(help="Which benchmark; without it they are listed.")] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="Arguments of the benchmark itself, after --.")] = None,
) -> None:
    """Run a benchmark, or list them. Each prints what it measured, and the ratio to its goal."""
    folder = next((folder for folder in FOLDERS if (folder / "cold_start.py").is_file()), None)
    if folder is None:
        raise MelodyError("the benchmarks are not part of the installed package: run this in the project's folder")
    scripts = {path.stem: path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")}
    if name is None:
        say_table([(stem, _summary(path)) for stem, path in scripts.items()])
        return
    if name not in scripts:
        raise MelodyError(unknown("benchmark", name, scripts))
    result = subprocess.run([sys.executable, str(scripts[name]), *(arguments or [])], check=False)
    raise typer.Exit(result.returncode)


def _summary(path: Path) -> str:
    """The first line of a script's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
