"""The command line, `melody`.

Each verb is a module of this package that is imported when it is called: `melody --help` reads only the table here.
A verb's module has a `command`, the function that typer makes its options from, or an `app` with verbs of its own.

A user's mistake is one line on standard error and exit code 2; an interrupt is 130.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer

from melodysynthesis import __version__
from melodysynthesis.errors import MelodyError, unknown


class Verb(NamedTuple):
    """A verb: the module, its one line of help, and an example."""

    module: str
    summary: str
    example: str


VERBS = {
    "generate": Verb("generate", "Generate melodies.", 'melody generate --bars 8 --meter 3/4 --key "G major"'),
    "fill": Verb("fill", "Rewrite some bars of a melody.", "melody fill tune.abc --bars 3-4 --count 3"),
    "vary": Verb("vary", "Variations of a motif.", 'melody vary "G4:1 A4:1/2 B4:1/2 D5:1" --meter 3/4 --count 3'),
    "train": Verb("train", "Train a model.", "melody train --model lstm --corpus essen-german"),
    "evaluate": Verb("evaluate", "Measure a model on a corpus.", "melody evaluate lstm"),
    "metrics": Verb("metrics", "The 17 descriptors of the original study, one row a melody.", "melody metrics *.mid"),
    "compare": Verb("compare", "How far melodies are from people's.", "melody compare *.mid --against essen-german"),
    "study": Verb("study", "Compare models by a plan, and report on it.", "melody study run smoke"),
    "inspect": Verb("inspect", "Read files and say what they are.", "melody inspect tune.abc"),
    "export": Verb("export", "Convert melodies to other formats.", "melody export tune.abc --format mid,svg"),
    "corpus": Verb("corpus", "List, build, show and audit corpora.", "melody corpus list"),
    "live": Verb("live", "Play with a model over MIDI ports.", 'melody live --key "G major" --tempo 96 --click'),
    "studio": Verb("studio.command", "Compose in the browser.", "melody studio"),
    "listen": Verb("listen.command", "Let people rate and compare melodies.", "melody listen new a/ b/"),
    "models": Verb("models", "List the models: size, figures, card.", "melody models"),
    "bench": Verb("bench", "Run a benchmark.", "melody bench cold_start"),
    "doctor": Verb("doctor", "Say what is installed and what works.", "melody doctor"),
}

USER_MISTAKE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141

# Its class is typer's own or click's, by typer's version: reached through one that typer exports.
UsageError: Any = typer.BadParameter.__mro__[1]
ClickError: Any = UsageError.__mro__[1]


def main() -> None:
    """The entry point: exits with the code of `run`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal's encoding may lack letters that a title has
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line; the exit code."""
    try:
        result = _call(arguments)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on; what Python still wants to flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (MelodyError, ClickError, ModuleNotFoundError, OSError) as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # `melody corpus`, without one of its own verbs
            typer.echo(str(error))
            return 0
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(_mistake(error).split()))
        typer.echo(line if line.startswith("melody") else f"melody: {line}", err=True)
        return USER_MISTAKE
    if result == INTERRUPTED:
        typer.echo("melody: stopped", err=True)
    return result


def _call(arguments: Sequence[str]) -> int:
    """Run a command line; the exit code, unless something is raised."""
    verb = next((word for word in arguments if not word.startswith("-")), None)
    if verb is not None and verb not in VERBS:
        raise MelodyError(unknown("verb", verb, VERBS))
    command = typer.main.get_command(application(verb))
    result = command(list(arguments or ["--help"]), prog_name="melody", standalone_mode=False)
    return result if isinstance(result, int) else 0


def application(verb: str | None) -> typer.Typer:
    """The typer application, with the module of one verb only; the others are names with a line of help."""
    app = typer.Typer(
        name="melody",
        help="Train, compare and play melody models.",
        epilog="Example: " + VERBS["generate"].example,
        add_completion=False,
        rich_markup_mode=None,  # importing rich takes longer than everything else that help needs
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name, (module, summary, example) in VERBS.items():
        words: dict[str, Any] = {"name": name, "help": summary, "epilog": f"Example: {example}"}
        if name != verb:
            app.command(**words)(_elsewhere)
            continue
        loaded = import_module(f"melodysynthesis.apps.{module}")
        if hasattr(loaded, "app"):
            app.add_typer(loaded.app, **words)
        else:
            app.command(name=name, epilog=f"Example: {example}")(loaded.command)
    return app


def _version(value: bool) -> None:
    if value:
        typer.echo(f"melodysynthesis {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=_version),
) -> None:
    """Options before the verb."""


def _elsewhere() -> None:
    """Stands for a verb whose module is not imported."""


def _mistake(error: Any) -> str:
    """What to tell of an error."""
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if isinstance(error, ClickError):
        path = getattr(getattr(error, "ctx", None), "command_path", "")
        return f"{path}: {error.format_message()}" if path else str(error.format_message())
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _missing(error: ModuleNotFoundError) -> str:
    """What to install; a module of our own that is missing is a bug, and raised."""
    from melodysynthesis.apps.doctor import LIBRARIES

    name = (error.name or "").partition(".")[0].replace("_", "-")
    extra = next((library.extra for library in LIBRARIES if library.name.replace("_", "-") == name), None)
    if extra is None:
        raise error
    return f"{name} is not installed: pip install '{f'melodysynthesis[{extra}]' if extra else name}'"
