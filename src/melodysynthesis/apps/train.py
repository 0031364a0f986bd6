"""`melody train`: train a model, or go on with a run."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from melodysynthesis.apps.console import note, say
from melodysynthesis.errors import RequestError, TrainingError, unknown
from melodysynthesis.training.config import PRESETS, TrainingConfig, field_help, training_config

if TYPE_CHECKING:
    from melodysynthesis.training.data import Data
    from melodysynthesis.training.run import Run

INTERRUPTED = 130
GAN = "gan"
"""Not an architecture but a way to train one on."""
ENCODING_OF_PRESET = {"original": "grid", "base": "event"}
NEEDED = ("torch", "lightning_fabric", "safetensors", "onnx", "onnxscript")

OTHER_NAMES = {"max_minutes": "minutes"}
"""Fields of the training configuration whose option has a shorter name."""

Changes = dict[str, Any]


def with_training_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of `TrainingConfig`; it gets those that were used as `changes`."""
    documented = field_help(TrainingConfig)
    types = {"str": str, "int": int, "float": float, "bool": bool}
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "changes"]
    added = [
        inspect.Parameter(
            OTHER_NAMES.get(field.name, field.name),
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                types[str(field.type)] | None,
                typer.Option(help=f"{documented[field.name]} [{_shown(field.default)}]", show_default=False),
            ],
        )
        for field in fields(TrainingConfig)
    ]
    field_of = {OTHER_NAMES.get(field.name, field.name): field.name for field in fields(TrainingConfig)}

    def command(**given: Any) -> None:
        changes = {field_of[name]: given.pop(name) for name in list(given) if name in field_of}
        function(**given, changes={name: value for name, value in changes.items() if value is not None})

    command.__doc__ = function.__doc__
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + added
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _shown(default: object) -> str:
    return {True: "on", False: "off"}.get(default, f"{default}") if isinstance(default, bool) else f"{default}"


def train(  # noqa: PLR0917 - typer makes its options from the parameters
    model: Annotated[
        str | None,
        typer.Option(help="Architecture, or gan to train --from a run adversarially. [lstm]", metavar="NAME"),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            help="A named corpus, a folder of scores, or one with train.txt and val.txt of grid tokens. [essen-german]"
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="grid or event; by default the preset's.")] = None,
    preset: Annotated[str | None, typer.Option(help="original (the study's) or base (ours). [base]")] = None,
    set_field: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change a field of the preset's model, such as units=320, or of gan's game; may be repeated."
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--from", help="Begin with the weights of this run, or of a checkpoint in it.", metavar="RUN"),
    ] = None,
    arm: Annotated[str | None, typer.Option(help="With gan: policy or gumbel. [policy]")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.", metavar="RUN")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; by default one under runs/.")] = None,
    *,
    changes: Changes,
) -> None:
    """Train a model on a corpus, and write it as model.onnx into the run's folder.

    Ctrl-C stops cleanly: the run can be resumed and goes on as if nothing had happened.
    """
    need_training_packages()
    from melodysynthesis.corpora import DEFAULT
    from melodysynthesis.training import data as training_data
    from melodysynthesis.training.progress import ProgressBar
    from melodysynthesis.training.run import fit, is_main_process, open_run

    if resume is not None:
        new: dict[str, object] = {"--model": model, "--corpus": corpus, "--encoding": encoding, "--preset": preset}
        new |= {"--set": set_field, "--out": out, "--from": base, "--arm": arm}
        if given := [name for name, value in new.items() if value]:
            raise RequestError(f"--resume goes on with a run as it is: leave out {' and '.join(given)}")
        run = open_run(resume, **changes)
        data = training_data.load(run.corpus_path or run.corpus, run.encoding)
    elif base is not None:
        own: dict[str, object] = {"--encoding": encoding, "--preset": preset}
        if given := [name for name, value in own.items() if value]:
            raise RequestError(f"--from goes on with a model as it is: leave out {' and '.join(given)}")
        run, data = _further_run(base, model, corpus, arm=arm, settings=set_field or [], out=out, changes=changes)
    elif model == GAN or arm is not None:
        raise RequestError("gan goes on with a model that has learned by likelihood: name its run with --from")
    else:
        run, data = _new_run(
            model or "lstm", corpus or DEFAULT, encoding=encoding, preset=preset or "base", settings=set_field or [],
            out=out, changes=changes,
        )  # fmt: skip
    if not is_main_process():
        fit(run, data.training, data.validation, resume=resume is not None)
        return
    _introduce(run, data)
    with ProgressBar() as watch:
        reason = fit(run, data.training, data.validation, resume=resume is not None, watch=watch)
    _conclude(run, reason)


command = with_training_options(train)


def _new_run(
    model: str,
    corpus: str,
    *,
    encoding: str | None,
    preset: str,
    settings: list[str],
    out: Path | None,
    changes: Changes,
) -> tuple[Run, Data]:
    """What the options ask for, checked before any data is read."""
    from melodysynthesis.encodings import encoding_from
    from melodysynthesis.models import config_from, config_to
    from melodysynthesis.training import data as training_data
    from melodysynthesis.training.run import Run

    config = config_from(model, preset)
    if settings:
        config = config_from(model, {**config_to(config), **_settings(settings, config_to(config))})
    training = replace(training_config(preset if preset in PRESETS else "base"), **changes)
    chosen = encoding_from({"name": encoding or ENCODING_OF_PRESET.get(preset, "event")})
    folder = out or _free_folder(f"{model}-{preset}-{Path(corpus).name}")
    _refuse_taken(folder)
    data = training_data.load(corpus, chosen)
    if data.is_text and "mode" not in changes:
        training = replace(training, mode="stream")
    path = str(Path(corpus).resolve()) if data.corpus != corpus or Path(corpus).exists() else ""
    line = _published(sys.argv[1:], corpus)
    run = Run(folder, model, preset, config, data.encoding, training, data.corpus, data.licence, line, path)
    return run, data


def _further_run(
    base: Path,
    model: str | None,
    corpus: str | None,
    *,
    arm: str | None,
    settings: list[str],
    out: Path | None,
    changes: Changes,
) -> tuple[Run, Data]:
    """What the options ask for, of a run that begins with the weights of another."""
    from melodysynthesis.training import data as training_data
    from melodysynthesis.training.adversarial.config import TRAINING, AdversarialConfig, adversarial_config
    from melodysynthesis.training.run import BEST, open_run

    start = open_run(base if base.is_dir() else base.absolute().parents[1])
    if model not in (None, GAN, start.architecture):
        raise RequestError(f"--from {base} is a run of {start.architecture}: --model is that, or gan to go on as one")
    game = None
    if model == GAN:
        known = asdict(AdversarialConfig())
        game = adversarial_config({**known, **_settings(settings, known), **({"arm": arm} if arm else {})})
        training = replace(TRAINING, seed=start.training.seed)
    elif settings or arm:
        raise RequestError("--set and --arm are for --model gan here: --from goes on with a model as it is")
    else:  # from weights that are near a minimum: a tenth of what they were found with
        rate = max(start.training.learning_rate / 10, start.training.lowest_rate)
        training = replace(start.training, learning_rate=rate, schedule="cosine")
    folder = out or _free_folder(f"{start.folder.name}-{game.arm if game else 'further'}")
    _refuse_taken(folder)
    data = training_data.load(corpus or start.corpus_path or start.corpus, start.encoding)
    run = replace(
        start, folder=folder, training=replace(training, **changes), corpus=data.corpus if corpus else start.corpus,
        licence=data.licence, command=_published(sys.argv[1:], corpus or start.corpus),
        base=base if base.is_file() else base / BEST,
        corpus_path=str(Path(corpus).resolve()) if corpus and Path(corpus).exists() else start.corpus_path,
        adversarial=game,
    )  # fmt: skip
    return run, data


def _published(arguments: Sequence[str], corpus: str) -> str:
    """The command line as the model's card tells it: without the folder it wrote to, and no path but a last name."""
    arguments = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--from=") else [word])]
    told: list[str] = []
    for i, word in enumerate(arguments):
        if word == "--out" or word.startswith("--out=") or (i and arguments[i - 1] == "--out"):
            continue
        if i and arguments[i - 1] == "--from":
            word = Path(word).name  # noqa: PLW2901
        told.append(word.replace(corpus, Path(corpus).name) if Path(corpus).is_absolute() else word)
    return " ".join(["melody", *told])


def _settings(settings: list[str], known: Mapping[str, object]) -> dict[str, object]:
    """``name=value`` pairs as values of the fields' types.

    Raises:
        RequestError: for text that is no pair, an unknown field, or a value of another type.
    """
    values: dict[str, object] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise RequestError(unknown("model field", name, known) if equals else f"--set {text}: expected name=value")
        was = known[name]
        try:
            if isinstance(was, bool):
                values[name] = {"true": True, "on": True, "false": False, "off": False}[value.lower()]
            elif isinstance(was, tuple):
                values[name] = tuple(part.strip() for part in value.split(",") if part.strip())
            else:
                values[name] = type(was)(value)  # type: ignore[call-arg]
        except (ValueError, KeyError):
            raise RequestError(f"--set {text}: {value!r} is no {type(was).__name__}") from None
    return values


def _refuse_taken(folder: Path) -> None:
    if (folder / "config.json").exists():
        raise TrainingError(f"{folder}: there already is a run here: use --resume {folder}, or another --out")


def _free_folder(name: str) -> Path:
    """``runs/NAME``, or ``runs/NAME-2`` and so on if there is one already."""
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder


def need_training_packages() -> None:
    """Check that the packages for training are there.

    Raises:
        TrainingError: if not, with the command that installs them.
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise TrainingError(f"training needs {missing[0]}: pip install 'melodysynthesis[train]'")


def _introduce(run: Run, data: Data) -> None:
    from melodysynthesis.models import parameter_count

    for split, sequences in (("training", data.training), ("validation", data.validation)):
        note(f"{split:10} {len(sequences):,} sequences, {len(sequences.ids):,} tokens")
    if data.rejected:
        note(f"{len(data.rejected):,} melodies can't be said in {run.encoding.name!r}; the first: {data.rejected[0]}")
    model = run.build()
    note(f"model      {run.architecture}, preset {run.preset}: {parameter_count(model):,} trainable parameters")
    note(f"run        {run.folder}")


def _conclude(run: Run, reason: str) -> None:
    """Export the best weights, say how it ended and how to go on."""
    from melodysynthesis.errors import ModelError
    from melodysynthesis.training.export import export
    from melodysynthesis.training.picture import draw_architecture

    try:
        model, figures = run.best()
    except ModelError:
        note("no validation was reached, so there is no model to export yet")
    else:
        export(model, run.encoding, run.card(model, figures), run.exported)
        draw_architecture(model, run.folder / "architecture.png")
        say(str(run.exported))
        if figures is not None:
            note(f"best validation: loss {figures.loss:.4f} nats/token, {figures.bits_per_note:.3f} bits/note")
    if reason == "interrupted":
        note(f"stopped; go on with: melody train --resume {run.folder}")
        raise typer.Exit(INTERRUPTED)
    note(f"stopped because: {reason}")
