"""`melody train`: train a model, or go on with a run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from melodysynthesis.apps.console import note, say
from melodysynthesis.apps.options import Option, with_options
from melodysynthesis.configuration import KINDS, field_help
from melodysynthesis.errors import ModelError, RequestError, TrainingError, unknown
from melodysynthesis.training.adversarial.config import TRAINING, AdversarialConfig, adversarial_config
from melodysynthesis.training.config import PRESETS, TrainingConfig, training_config

if TYPE_CHECKING:
    from melodysynthesis.training.data import Data
    from melodysynthesis.training.run import Run

INTERRUPTED = 130
GAN = "gan"
"""Not an architecture but a way to train one further."""
ENCODING_OF_PRESET = {"original": "grid", "base": "event"}
TRAINING_PACKAGES = ("torch", "lightning_fabric", "safetensors", "onnx", "onnxscript")
FIELD_OF_OPTION = {"minutes": "max_minutes"}
"""Fields of the training configuration whose option has a shorter name."""

Changes = dict[str, Any]


def _options_of_training() -> list[Option]:
    """An option for each field of `TrainingConfig`, with the default that each preset and gan gives it."""
    option_of = {field: option for option, field in FIELD_OF_OPTION.items()}
    configs = {**{name: PRESETS[name] for name in ("base", "original")}, GAN: TRAINING}
    help_of = field_help(TrainingConfig)
    return [
        Option(
            option_of.get(field.name, field.name), type(field.default), help_of[field.name],
            _defaults({name: getattr(config, field.name) for name, config in configs.items()}), panel="Training",
        )
        for field in fields(TrainingConfig)
    ]  # fmt: skip


def _defaults(values: Mapping[str, object]) -> str:
    """The default of a field for `--help`: once if it is the same for all, else with the names of the presets."""
    shown = {True: "on", False: "off"}
    texts = {name: shown[value] if isinstance(value, bool) else str(value) for name, value in values.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{name} {text}" for name, text in texts.items())


@with_options(_options_of_training(), into="changes")
def command(  # noqa: PLR0917 - typer makes its options from the parameters
    model: Annotated[
        str | None,
        typer.Option(
            help="lstm, transformer or hybrid; gan trains the run of --from against a critic. [lstm]", metavar="NAME"
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            help="A named corpus, a folder of scores, or one with train.txt and val.txt of grid tokens. [essen-german]"
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="grid, event or planned. [base event, original grid]")] = None,
    preset: Annotated[str | None, typer.Option(help="base (ours) or original (the original study's). [base]")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE",
            help="Change a field of the preset's model, such as units=320, or of gan's training; may be repeated.",
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--from", help="Start from the weights of this run, or of a checkpoint in it.", metavar="RUN"),
    ] = None,
    estimator: Annotated[
        str | None, typer.Option("--estimator", "--arm", help="With gan: policy or gumbel. [policy]", metavar="NAME")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.", metavar="RUN")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run. [a new one under runs/]")] = None,
    *,
    changes: Changes,
) -> None:  # fmt: skip
    """Train a model on a corpus, and write it as model.onnx into the run's folder.

    Ctrl-C stops cleanly: the run can be resumed, and goes on as if it had not been stopped.
    """
    need_training_packages()
    from melodysynthesis.corpora import DEFAULT
    from melodysynthesis.training import data as training_data
    from melodysynthesis.training.reporting import ProgressBar
    from melodysynthesis.training.run import fit, is_main_process, open_run

    changes = {FIELD_OF_OPTION.get(name, name): value for name, value in changes.items()}
    new_run: dict[str, object] = {"--model": model, "--corpus": corpus, "--encoding": encoding, "--preset": preset}
    new_run |= {"--set": settings, "--out": out, "--from": base, "--estimator": estimator}
    if resume is not None:
        _refuse(new_run, "--resume goes on with a run as it is")
        run = open_run(resume, **changes)
        run.check_splits()
        data = training_data.load(run.corpus_path or run.corpus, run.encoding)
    elif base is not None:
        _refuse({name: new_run[name] for name in ("--encoding", "--preset")}, "--from goes on with a model as it is")
        run, data = _further_run(base, model, corpus, estimator, settings=settings or [], out=out, changes=changes)
    elif model == GAN or estimator is not None:
        raise RequestError("gan goes on with a model that was trained by likelihood: name its run with --from")
    else:
        run, data = _new_run(
            model or "lstm", corpus or DEFAULT, encoding=encoding, preset=preset or "base", settings=settings or [],
            out=out, changes=changes,
        )  # fmt: skip
    if not is_main_process():
        fit(run, data.training, data.validation, resume=resume is not None)
        return
    _introduce(run, data)
    with ProgressBar() as bar:
        reason = fit(run, data.training, data.validation, resume=resume is not None, callbacks=[bar])
    _conclude(run, reason)


def _refuse(options: Mapping[str, object], why: str) -> None:
    """Refuse options that were used although they change nothing."""
    if used := [name for name, value in options.items() if value]:
        raise RequestError(f"{why}: leave out {' and '.join(used)}")


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
    """A run by the options, which are checked before any data is read."""
    from melodysynthesis import corpora
    from melodysynthesis.encodings import encoding_from
    from melodysynthesis.models import config_from
    from melodysynthesis.training import data as training_data
    from melodysynthesis.training.run import Run

    config = config_from(model, preset)
    if settings:
        known = asdict(config)
        config = config_from(model, {**known, **_values(settings, known)})
    training = replace(training_config(preset if preset in PRESETS else "base"), **changes)
    chosen = encoding_from({"name": encoding or ENCODING_OF_PRESET.get(preset, "event")})
    source = corpora.find_source(corpus)
    folder = _new_folder(out, f"{model}-{preset}-{Path(source.name).name}")
    data = training_data.load(corpus, chosen)
    if data.is_text and "mode" not in changes:
        training = replace(training, mode="stream")
    line = _published(sys.argv[1:], corpus)
    run = Run(
        folder, model, preset, config, data.encoding, training, data.corpus, data.licence, line, _own_path(corpus),
        splits_version=0 if data.is_text else corpora.SPLITS_VERSION,
    )  # fmt: skip
    return run, data


def _further_run(
    base: Path,
    model: str | None,
    corpus: str | None,
    estimator: str | None,
    *,
    settings: list[str],
    out: Path | None,
    changes: Changes,
) -> tuple[Run, Data]:
    """A run by the options that starts from the weights of another."""
    from melodysynthesis.training import data as training_data
    from melodysynthesis.training.run import BEST, open_run

    start = open_run(base if base.is_dir() else base.absolute().parents[1])
    start.check_splits()
    if model not in (None, GAN, start.architecture):
        raise RequestError(f"--from {base} is a run of {start.architecture}: --model can be that, or gan")
    adversarial = None
    if model == GAN:
        known = asdict(AdversarialConfig())
        chosen = {"estimator": estimator} if estimator else {}
        adversarial = adversarial_config({**known, **_values(settings, known), **chosen})
        training = replace(TRAINING, seed=start.training.seed)
    elif settings or estimator:
        raise RequestError("with --from, --set and --estimator are for --model gan: it goes on with a model as it is")
    else:  # these weights are near a minimum: a tenth of the rate that led to them
        rate = max(start.training.learning_rate / 10, start.training.lowest_rate)
        training = replace(start.training, learning_rate=rate, schedule="cosine")
    folder = _new_folder(out, f"{start.folder.name}-{adversarial.estimator if adversarial else 'further'}")
    data = training_data.load(corpus or start.corpus_path or start.corpus, start.encoding)
    run = replace(
        start, folder=folder, training=replace(training, **changes),
        corpus=data.corpus if corpus else start.corpus, licence=data.licence,
        command=_published(sys.argv[1:], corpus or start.corpus),
        base=base if base.is_file() else base / BEST,
        corpus_path=_own_path(corpus) if corpus else start.corpus_path,
        adversarial=adversarial,
    )  # fmt: skip
    return run, data


def _own_path(corpus: str) -> str:
    """What names a corpus of the user's from any folder; "" for one that is known by its name."""
    from melodysynthesis import corpora

    return "" if corpus in corpora.SOURCES else corpora.find_source(corpus).locator


def _published(arguments: Sequence[str], corpus: str) -> str:
    """The command line for the model's card: without the output folder, and with the last names of paths only."""
    from melodysynthesis.corpora import IN_FOLDERS

    arguments = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--from=") else [word])]
    words: list[str] = []
    kind, _, place = corpus.partition(":")
    shown = f"{kind}:FOLDER" if place and kind in IN_FOLDERS else corpus
    for i, word in enumerate(arguments):
        if word == "--out" or word.startswith("--out=") or (i and arguments[i - 1] == "--out"):
            continue
        if i and arguments[i - 1] == "--from":
            word = Path(word).name  # noqa: PLW2901
        words.append(word.replace(corpus, Path(corpus).name if Path(corpus).is_absolute() else shown))
    return " ".join(["melody", *words])


def _values(settings: list[str], known: Mapping[str, object]) -> dict[str, object]:
    """``name=value`` texts as values of the fields' types.

    Raises:
        RequestError: for a text of another form, an unknown field, or a value of another type.
    """
    values: dict[str, object] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"--set {text}: expected name=value")
        if name not in known:
            raise RequestError(unknown("model field", name, known))
        kind = type(known[name])
        try:
            if kind is bool:
                values[name] = {"true": True, "on": True, "false": False, "off": False}[value.lower()]
            elif kind is tuple:
                values[name] = tuple(part.strip() for part in value.split(",") if part.strip())
            else:
                values[name] = kind(value)  # type: ignore[call-arg]
        except (ValueError, KeyError):
            raise RequestError(f"--set {text}: {value!r} is not {KINDS[kind][1]}") from None
    return values


def _new_folder(out: Path | None, name: str) -> Path:
    """The folder of a new run: `out`, or ``runs/NAME``, ``runs/NAME-2`` and so on, the first that is free.

    Raises:
        TrainingError: if there is a run in `out` already.
    """
    if out is not None and (out / "config.json").exists():
        raise TrainingError(f"{out}: there is a run here already: use --resume {out}, or another --out")
    folder, number = out or Path("runs") / name, 1
    while out is None and folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    return folder


def need_training_packages() -> None:
    """Check that the packages for training are installed.

    Raises:
        TrainingError: if not, with the command that installs them.
    """
    if missing := [name for name in TRAINING_PACKAGES if importlib.util.find_spec(name) is None]:
        raise TrainingError(f"training needs {missing[0]}: pip install 'melodysynthesis[train]'")


def _introduce(run: Run, data: Data) -> None:
    from melodysynthesis.models import parameter_count
    from melodysynthesis.training.setup import precision

    for split, sequences in (("training", data.training), ("validation", data.validation)):
        note(f"{split:10} {len(sequences):,} sequences, {len(sequences.ids):,} tokens")
    if data.rejected:
        note(f"{len(data.rejected):,} melodies can't be encoded as {run.encoding.name!r}; first: {data.rejected[0]}")
    model = run.build()
    note(f"model      {run.architecture}, preset {run.preset}: {parameter_count(model):,} trainable parameters")
    note(f"precision  {precision(run.training)}")
    note(f"run        {run.folder}")


def _conclude(run: Run, reason: str) -> None:
    """Export the best weights, and print why training stopped and how to go on."""
    from melodysynthesis.training.diagram import draw_architecture
    from melodysynthesis.training.export import export

    try:
        model, figures = run.best()
    except ModelError:
        note("there was no validation yet, so there is no model to export")
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
