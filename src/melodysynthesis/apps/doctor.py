"""`melody doctor`: what is installed, and whether it works."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Annotated, NamedTuple

import typer

from melodysynthesis import __version__, formats
from melodysynthesis.apps.console import JSON_OPTION, say_json, say_table
from melodysynthesis.errors import MelodyError, ModelError
from melodysynthesis.generation.output import prepare
from melodysynthesis.notation import parse_notes


class Library(NamedTuple):
    """A library: its distribution, what needs it, and the extra that installs it; "" for the core."""

    name: str
    purpose: str
    extra: str = ""


LIBRARIES = (
    Library("numpy", "everything"),
    Library("onnxruntime", "running models"),
    Library("typer", "the command line"),
    Library("rich", "progress bars"),
    Library("pydantic", "requests"),
    Library("symusic", "MIDI"),
    Library("verovio", "engraving SVG and PNG"),
    Library("resvg_py", "PNG"),
    Library("midirenderer", "WAV"),
    Library("pretty_midi", "the SoundFont for WAV"),
    Library("matplotlib", "plots"),
    Library("music21", "the corpora", "corpora"),
    Library("torch", "training", "train"),
    Library("lightning-fabric", "training", "train"),
    Library("safetensors", "training", "train"),
    Library("onnx", "exporting models", "train"),
    Library("tensorboard", "training logs", "train"),
    Library("python-rtmidi", "MIDI ports", "live"),
    Library("fastapi", "the studio", "studio"),
    Library("uvicorn", "the studio", "studio"),
    Library("wsproto", "the studio", "studio"),
    Library("mcp", "tools for other programs", "mcp"),
    Library("sqlalchemy", "listening tests", "listen"),
    Library("alembic", "listening tests", "listen"),
    Library("psycopg", "listening tests in PostgreSQL", "postgres"),
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was checked, whether it works, and what was found; `needed` is false for what an extra installs."""

    what: str
    works: bool
    found: str
    needed: bool = True


def command(as_json: Annotated[bool, JSON_OPTION] = False) -> None:
    """Say what is installed and what works. Exit code 1 if something does not work that is needed without extras."""
    checks = list(_checks())
    if as_json:
        say_json([asdict(check) for check in checks])
    else:
        say_table([(_mark(check), check.what, check.found) for check in checks])
    if not all(check.works or not check.needed for check in checks):
        raise typer.Exit(1)


def _mark(check: Diagnosis) -> str:
    return "ok" if check.works else "MISSING" if check.needed else "-"


def _checks() -> Iterator[Diagnosis]:
    yield Diagnosis("melodysynthesis", True, __version__)
    yield Diagnosis("Python", sys.version_info >= (3, 11), f"{platform.python_version()}, {platform.system()}")
    for library in LIBRARIES:
        yield _library(library)
    for name, format in formats.FORMATS.items():
        if format.write is not None:
            yield _try(f"writing {name}", partial(_written, name))
    yield _try("the models", _models)
    yield _try("cache folder", _cache)
    yield _try("writing here", _here)


def _library(library: Library) -> Diagnosis:
    # Not imported, as torch alone would take seconds. What is tried below shows whether the libraries work.
    try:
        found = f"{metadata.version(library.name)}, for {library.purpose}"
        return Diagnosis(library.name, True, found, not library.extra)
    except metadata.PackageNotFoundError:
        install = f"pip install 'melodysynthesis[{library.extra}]'" if library.extra else f"pip install {library.name}"
        return Diagnosis(library.name, False, f"for {library.purpose}: {install}", not library.extra)


def _try(what: str, act: Callable[[], str]) -> Diagnosis:
    start = perf_counter()
    try:
        found = act()
    except (MelodyError, ImportError, OSError, RuntimeError, ValueError) as error:
        return Diagnosis(what, False, " ".join(str(error).split())[:200])
    return Diagnosis(what, True, f"{found}, {1000 * (perf_counter() - start):.0f} ms")


def _written(name: str) -> str:
    return f"{len(formats.to_bytes(parse_notes('G4:1 A4 B4:2'), name)):,} bytes"


def _models() -> str:
    from melodysynthesis.runtime import pretrained
    from melodysynthesis.runtime.loading import open_model

    names = list(pretrained.cards())
    for name in names:
        open_model(name)[0].init(1)
    if pretrained.DEFAULT not in names:
        raise ModelError(f"the default model {pretrained.DEFAULT!r} is not in this installation")
    return ", ".join(names)


def _cache() -> str:
    from melodysynthesis.corpora.store import cache_folder

    prepare(cache_folder())
    return str(cache_folder())


def _here() -> str:
    prepare(Path())
    return str(Path.cwd())
