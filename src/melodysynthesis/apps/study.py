"""`melody study`: compare models by a plan, and report on what was found."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melodysynthesis.apps.console import note, say
from melodysynthesis.errors import RequestError

if TYPE_CHECKING:
    from melodysynthesis.study.launch import Launcher
    from melodysynthesis.study.plan import StudyPlan, Trial

STUDY_PACKAGES = ("pyarrow", "jinja2", "soundfile", "sklearn")
LOOK_EVERY = 1.0
"""Seconds between looks at how far the study is."""

Only = Annotated[
    list[str] | None,
    typer.Option(help="Run this trial only, such as lstm-event-1, lstm-event or lstm; may be repeated."),
]
Workers = Annotated[int, typer.Option(help="Trials at a time, each in a process of its own.", min=1, max=256)]
Ray = Annotated[
    bool, typer.Option("--ray", help="Run the trials with Ray, on this machine or on the cluster of --address.")
]
Address = Annotated[str, typer.Option(help="With --ray: address of a cluster whose machines all share the folder.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command(epilog="Example: melody study run smoke --out studies/smoke")
def run(
    plan: Annotated[str, typer.Argument(help="A plan that ships (smoke, full), or a TOML file.", metavar="PLAN")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; by default studies/NAME.", metavar="FOLDER")
    ] = None,
    *,
    only: Only = None,
    workers: Workers = 1,
    ray: Ray = False,
    address: Address = "",
) -> None:
    """Train and evaluate every model x encoding x seed of a plan. Finished parts are not repeated."""
    _need_packages()
    from melodysynthesis.study.plan import load_plan

    found = load_plan(plan)
    _run(found, out or Path("studies") / found.name, only or [], workers, ray=ray, address=address)


@app.command(epilog="Example: melody study resume studies/full --workers 2")
def resume(
    folder: Annotated[Path, typer.Argument(help="Folder of the study.", metavar="FOLDER")],
    only: Only = None,
    workers: Workers = 1,
    ray: Ray = False,
    address: Address = "",
) -> None:
    """Continue a study that was stopped or killed."""
    _need_packages()
    from melodysynthesis.study.run import read_plan

    _run(read_plan(folder), folder, only or [], workers, ray=ray, address=address)


@app.command(epilog="Example: melody study report studies/full")
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of the study.", metavar="FOLDER")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; the study's own by default.", metavar="FOLDER")
    ] = None,
) -> None:
    """Write the report on a study so far: report.html, a single file, and report.md with its pictures."""
    _need_packages()
    from melodysynthesis.study.report import write

    for path in write(folder, out or folder):
        say(str(path))


def _run(plan: StudyPlan, folder: Path, only: Sequence[str], workers: int, *, ray: bool, address: str) -> None:
    from melodysynthesis.study import run as study

    if address and not ray:
        raise RequestError("--address goes with --ray")
    trials = plan.only(tuple(only))
    seen = study.prepare(plan, folder, trials)
    note(f"study      {plan.name}, {len(trials)} of {len(plan.trials)} trials, in {folder}")
    if seen:
        low, high = min(seen.values()), max(seen.values())
        note(f"budget     {plan.budget.tokens:,} tokens for each trained model; as planned {low:,} to {high:,}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a request to end stops it as cleanly as after Ctrl-C
    try:
        with _progress(trials, folder):
            study.run(plan, folder, trials, _launcher(workers, ray, address), tell=note)
    except KeyboardInterrupt:
        note(f"stopped; continue with: melody study resume {folder}")
        raise
    say(str(folder / "results.parquet"))
    note(f"make its report with: melody study report {folder}")


def _launcher(workers: int, ray: bool, address: str) -> Launcher:
    from melodysynthesis.study.launch import Here, OnRay, Processes

    if ray:
        return OnRay(address, workers)
    return Processes(workers) if workers > 1 else Here()


@contextmanager
def _progress(trials: Sequence[Trial], folder: Path) -> Iterator[None]:
    """A bar of epochs and stages while the study runs, where a person looks at it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from melodysynthesis.study.run import study_progress

    if not sys.stderr.isatty():
        yield
        return
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    over = threading.Event()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def look() -> None:
            while True:
                at = study_progress(trials, folder)
                bar.update(
                    task, completed=at.done, total=at.total, description=f"{at.trials_done} of {at.trials} trials"
                )
                if over.wait(LOOK_EVERY):
                    return

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _need_packages() -> None:
    """Check that the packages of a study are there.

    Raises:
        TrainingError: if not, with the command that installs them.
    """
    import importlib.util

    from melodysynthesis.apps.train import need_training_packages
    from melodysynthesis.errors import TrainingError

    need_training_packages()
    for name in STUDY_PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise TrainingError(f"a study needs the package {name}: pip install 'melodysynthesis[study]'")
