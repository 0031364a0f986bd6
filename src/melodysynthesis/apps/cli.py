"""The command line, `melody`.

Each verb is a module of this package that is imported when it is called: `melody --help` reads only the table here.
A verb's module has a `command`, the function from which typer makes the options, or an `app` with verbs of its own.

A user's mistake is one line on standard error and exit code 2; under ``--json`` that line is a JSON object,
``{"error": {"type": "RequestError", "message": "..."}}``. An interrupt is exit code 130.
"""

from __future__ import annotations

import gc
import io
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer

from melodysynthesis import __version__
from melodysynthesis.apps.help import GroupedCommand, VerbGroup
from melodysynthesis.errors import MelodyError, unknown


class Verb(NamedTuple):
    """A verb: the module, its one line of help, and an example."""

    module: str
    summary: str
    example: str


VERBS = {
    "generate": Verb("generate", "Generate melodies.", 'melody generate --bars 8 --meter 3/4 --key "G major"'),
    "fill": Verb("fill", "Rewrite some bars of a melody.", "melody fill tune.abc --bars 3-4 --count 3"),
    "vary": Verb("vary", "Write variations of a motif.", 'melody vary "G4:1 A4:1/2 B4:1/2 D5:1" --meter 3/4 --count 3'),
    "harmonise": Verb("harmonise", "Find chords for a melody.", "melody harmonise tune.abc --format musicxml,png"),
    "train": Verb("train", "Train a model.", "melody train --model lstm --corpus essen-german"),
    "train-judge": Verb("train_judge", "Train the judge that draws one of several drafts.", "melody train-judge"),
    "evaluate": Verb("evaluate", "Measure a model on a corpus.", "melody evaluate lstm"),
    "score-predictions": Verb(
        "score_predictions", "Score any program's predictions of tunes.", "melody score-predictions theirs.jsonl"
    ),
    "metrics": Verb("metrics", "Describe melodies by the original study's 17 descriptors.", "melody metrics *.mid"),
    "compare": Verb("compare", "Compare melodies with human ones.", "melody compare *.mid --against essen-german"),
    "study": Verb("study", "Train and compare models by a plan, and write a report.", "melody study run smoke"),
    "inspect": Verb("inspect", "Say what files hold, and check rules and originality.", "melody inspect tune.abc"),
    "export": Verb("export", "Convert melodies to other formats.", "melody export tune.abc --format mid,svg"),
    "corpus": Verb("corpus", "List, build, show and audit corpora.", "melody corpus list"),
    "live": Verb("live", "Play with a model over MIDI ports.", 'melody live --key "G major" --tempo 96 --click'),
    "studio": Verb("studio.command", "Compose in the browser.", "melody studio"),
    "mcp": Verb("mcp.command", "Serve other programs by the Model Context Protocol.", "melody mcp --folder scores"),
    "listen": Verb("listen.command", "Run a listening test, in the browser.", "melody listen new a/ b/"),
    "models": Verb("models", "List the models: size, figures, card.", "melody models"),
    "bench": Verb("bench", "Run a benchmark.", "melody bench cold_start"),
    "doctor": Verb("doctor", "Say what is installed and what works.", "melody doctor"),
}

USER_MISTAKE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


def main() -> None:
    """The entry point: exits with the code of `run`."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else it searches all that is installed for some
    gc.set_threshold(50_000)  # what is imported is no garbage, and looking for some takes a tenth of a short run
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
    except (BrokenPipeError, SystemExit) as error:
        if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
            raise  # typer ends so after completion; and after a broken pipe, with a code of its own
        # The reader has gone; what Python still wants to flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        message = _message(error)
        if message is None:  # a bug
            raise
        if type(error).__name__ == "NoArgsIsHelpError":  # `melody corpus`, without one of its own verbs
            typer.echo(message)
            return 0
        typer.echo(_as_json(error, message) if "--json" in arguments else _one_line(message), err=True)
        return USER_MISTAKE
    if result == INTERRUPTED:
        typer.echo("melody: stopped", err=True)
    return result


def _call(arguments: Sequence[str]) -> int:
    """Run a command line; the exit code, unless something is raised."""
    words = list(arguments) or ["--help"]
    if words[0] == "help":
        words = [*words[1:], "--help"]
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb is not None and verb not in VERBS:
        raise MelodyError(unknown("verb", verb, VERBS))
    command = typer.main.get_command(application(verb or _completed_verb()))
    result = command(words, prog_name="melody", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _completed_verb() -> str | None:
    """The verb of the line that a shell wants to be completed; None if there is none yet."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    return next((word for word in line.split()[1:] if word in VERBS), None)


def application(verb: str | None) -> typer.Typer:
    """The typer application, with the module of one verb only; the others are names with a line of help."""
    app = typer.Typer(
        name="melody",
        help="Train, compare and play melody models.",
        epilog="Example: " + VERBS["generate"].example + "  (melody help VERB explains a verb)",
        rich_markup_mode=None,  # importing rich takes longer than everything else that help needs
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, (module, summary, example) in VERBS.items():
        words: dict[str, Any] = {"name": name, "help": summary, "epilog": f"Example: {example}"}
        if name != verb:
            app.command(**words)(_elsewhere)
            continue
        loaded = import_module(f"melodysynthesis.apps.{module}")
        if hasattr(loaded, "app"):
            app.add_typer(loaded.app, cls=VerbGroup, **words)
        else:
            app.command(name=name, epilog=f"Example: {example}", cls=GroupedCommand)(loaded.command)
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
    """Represents a verb whose module is not imported."""


def _message(error: Exception) -> str | None:
    """What to say about a mistake of the user; None for an error that is ours, and a bug."""
    if isinstance(error, MelodyError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if hasattr(error, "format_message"):  # typer's own, of which it exports only some
        path = getattr(getattr(error, "ctx", None), "command_path", "")
        return f"{path}: {error.format_message()}" if path else str(error.format_message())
    return None


def _one_line(message: str) -> str:
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(message.split()))
    return line if line.startswith("melody") else f"melody: {line}"


def _as_json(error: Exception, message: str) -> str:
    """An error for a program: its class, its message, and the rules that no melody keeps together, if that is it."""
    found: dict[str, Any] = {"type": type(error).__name__, "message": " ".join(message.split())}
    if rules := getattr(error, "rules", ()):
        found["rules"] = list(rules)
    return json.dumps({"error": found}, ensure_ascii=False)


def _missing(error: ModuleNotFoundError) -> str | None:
    """What to install; None for a module that no extra brings, which is a bug."""
    from melodysynthesis.apps.doctor import LIBRARIES

    name = (error.name or "").partition(".")[0].replace("_", "-")
    extra = next((library.extra for library in LIBRARIES if library.name.replace("_", "-") == name), None)
    if extra is None:
        return None
    return f"{name} is not installed: pip install '{f'melodysynthesis[{extra}]' if extra else name}'"
