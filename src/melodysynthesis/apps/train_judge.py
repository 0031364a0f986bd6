"""`melody train-judge`: train the judge that draws one of several drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from melodysynthesis.apps.console import note, progress, say
from melodysynthesis.apps.options import Option, with_options
from melodysynthesis.apps.train import INTERRUPTED, need_training_packages
from melodysynthesis.configuration import field_help
from melodysynthesis.errors import RequestError, TrainingError
from melodysynthesis.generation.generate import generate_only
from melodysynthesis.generation.request import Request
from melodysynthesis.music import MODES
from melodysynthesis.runtime.loading import open_model
from melodysynthesis.runtime.pretrained import PRETRAINED
from melodysynthesis.training.config import JudgeTraining

if TYPE_CHECKING:
    from melodysynthesis.encodings.judge_features import Rows
    from melodysynthesis.training.judge import JudgeRun

TEMPERATURES = (0.9, 1.0)
"""Of the drafts: the usual one and the model's own distribution."""
METERS = ("2/4", "3/4", "4/4", "2/2", "3/8", "5/4", "6/8", "7/8", "9/8", "12/8")
BARS = (4, 6, 8, 8, 12, 16, 16, 24, 32)
"""Meters and lengths of the drafts whose header is requested, which a model may know little of."""
TOGETHER = 20
"""Drafts with the same header."""
PER_MILLE = 1000


def _options() -> list[Option]:
    """An option for each field of `JudgeTraining`."""
    help_of = field_help(JudgeTraining)
    return [
        Option(each.name, type(each.default), help_of[each.name], str(each.default), panel="Training")
        for each in fields(JudgeTraining)
    ]


@with_options(_options(), into="changes")
def command(
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Model whose drafts the judge learns to recognise; may be repeated. [those that ship of the corpus "
            "of the default model]",
            metavar="NAME|FILE",
        ),
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.", metavar="RUN")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run. [a new one under runs/]")] = None,
    changes: dict[str, Any],
) -> None:
    """Train a judge of whole melodies, and write it as judge.onnx into the run's folder.

    It learns to tell the training tunes of the models' corpora from the models' drafts, in two rounds. It takes one
    thread, and about half an hour on one processor. Ctrl-C stops cleanly, and --resume goes on.
    """
    need_training_packages()
    from melodysynthesis.training.judge import export_judge, open_judge_run

    if resume is not None:
        if model or out or changes:
            raise RequestError("--resume goes on with a run as it is: leave out the other options")
        run = open_judge_run(resume)
    else:
        run = _new_run(model or _default_models(), out, JudgeTraining(**changes))
    human = {split: _human(run.card.corpora, split) for split in ("train", "validation")}
    note(f"tunes      {len(human['train']):,} to learn from, {len(human['validation']):,} to validate with")
    note(f"run        {run.folder}")
    with progress("training the judge", PER_MILLE) as advance:

        def report(what: str, done: int, total: int) -> None:
            if what:
                note(what)
            if total:
                advance(PER_MILLE * done // total)

        ended = run.fit(human, draw_drafts, report)
    if not ended:
        note(f"stopped; go on with: melody train-judge --resume {run.folder}")
        raise typer.Exit(INTERRUPTED)
    say(str(export_judge(run)))
    note(", ".join(f"{name} {value:g}" for name, value in run.figures().items()))


def _default_models() -> list[str]:
    """The models that ship of the default model's encoding and corpus."""
    first, *others = PRETRAINED
    wanted = open_model(first).engine
    kin = (wanted.encoding.name, wanted.card.corpus)
    engines = {name: open_model(name).engine for name in others}
    return [first, *(name for name, each in engines.items() if (each.encoding.name, each.card.corpus) == kin)]


def _new_run(models: Sequence[str], out: Path | None, training: JudgeTraining) -> JudgeRun:
    from melodysynthesis.models.judge import JudgeConfig
    from melodysynthesis.runtime.judge import JudgeCard
    from melodysynthesis.training.judge import JudgeRun

    engines = [open_model(name).engine for name in models]
    encodings = {engine.encoding.name for engine in engines}
    if len(encodings) > 1:
        raise RequestError(f"a judge is for models of one encoding, and these have {', '.join(sorted(encodings))}")
    if encodings != {"event"}:
        raise RequestError(f"a judge is for models of the encoding 'event', not {encodings.pop()!r}")
    corpora = sorted({engine.card.corpus for engine in engines})
    licence = "; ".join(sorted({engine.card.licence for engine in engines}))
    folder, number = out or Path("runs/judge"), 1
    while out is None and folder.exists():
        number += 1
        folder = Path(f"runs/judge-{number}")
    if (folder / "judge.json").exists():
        raise TrainingError(f"{folder}: there is a run here already: use --resume {folder}, or another --out")
    line = " ".join(["melody train-judge", *(f"--model {Path(name).name}" for name in models)])
    standard = JudgeTraining()
    for each in fields(JudgeTraining):
        if (value := getattr(training, each.name)) != getattr(standard, each.name):
            line += f" --{each.name.replace('_', '-')} {value}"
    card = JudgeCard("event", corpora, licence, training.seed, 0, line, {})
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{folder}: the folder can't be made: {error.strerror or error}") from error
    run = JudgeRun(folder, JudgeConfig(), training, models, card)
    run.describe()
    return run


def _human(names: Sequence[str], split: str) -> list[Rows]:
    """The rows of a split of some corpora."""
    from melodysynthesis import corpora
    from melodysynthesis.encodings.judge_features import rows_of

    return [rows_of(melody) for name in names for melody in corpora.load(name).split(split)]


def draw_drafts(name: str, count: int, seed: int) -> list[Rows]:
    """The rows of drafts of a model: half of its own choice of key, meter and length, half with headers of all kinds.

    Args:
        name: of the model.
        count: how many.
        seed: of the drafts.
    """
    from melodysynthesis.encodings.judge_features import rows_of

    engine, random = open_model(name).engine, np.random.default_rng(seed)
    requests = [
        Request(model=name, drafts=1, count=max(count // 4, 1), seed=seed + number, temperature=temperature)
        for number, temperature in enumerate(TEMPERATURES)
    ]
    left = count - sum(request.count for request in requests)
    while left > 0:
        request = Request(
            model=name, drafts=1, count=min(TOGETHER, left), seed=seed + 10 + left,
            temperature=float(random.choice(TEMPERATURES)), bars=int(random.choice(BARS)),
            meter=str(random.choice(METERS)), key=f"G {random.choice(MODES)}",
        )  # fmt: skip
        requests.append(request)
        left -= request.count
    made = [one for request in requests for one in generate_only(engine, request, range(request.count))]
    shuffled = random.permutation(len(made)).tolist()  # those that are held back are of both kinds
    return [rows_of(made[number].melody) for number in shuffled]
