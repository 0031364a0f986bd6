"""Where trials are carried out: in this process, in several, or on a Ray cluster. All give the same results.

A trial's results lie in the study's folder, which all machines of a cluster must see; what comes back is only how it
ended. One way is as good as another: a `Launcher` takes trials and gives futures.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from melodysynthesis.errors import MelodyError, RequestError
from melodysynthesis.study.plan import Trial

INTERRUPTED = "interrupted"


class Launcher(Protocol):
    """Carries out trials, some at a time."""

    def submit(self, trial: Trial, folder: Path) -> Future[str]:
        """Begin a trial, now or later; its future gives what `outcome` gives."""

    def stop(self) -> None:
        """End cleanly what is under way, and begin nothing more."""


def outcome(trial: Trial, folder: Path) -> str:
    """Carry out a trial; how it ended: "" if well, `INTERRUPTED`, or what was wrong in one line."""
    from melodysynthesis.study.stages import run_stages

    try:
        run_stages(trial, folder)
    except KeyboardInterrupt:
        return INTERRUPTED
    except MelodyError as error:
        return f"{trial.name}: {error}"
    return ""


class Here:
    """One trial after the other, in this process."""

    def submit(self, trial: Trial, folder: Path) -> Future[str]:
        """See `Launcher.submit`: it is over when this returns."""
        future: Future[str] = Future()
        future.set_result(outcome(trial, folder))
        return future

    def stop(self) -> None:
        """Nothing is left under way."""


class Processes:
    """Several trials at a time, each in a process of its own."""

    def __init__(self, workers: int) -> None:
        # Spawned, not forked: PyTorch's and ONNX Runtime's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(workers, context, initializer=_follow_the_parent)

    def submit(self, trial: Trial, folder: Path) -> Future[str]:
        """See `Launcher.submit`."""
        return self.pool.submit(outcome, trial, folder)

    def stop(self) -> None:
        """Ask the processes to end: a training finishes its update and keeps it."""
        for process in multiprocessing.active_children():
            process.terminate()
        self.pool.shutdown(cancel_futures=True)


def _follow_the_parent() -> None:
    """Leave interrupts to the parent process, and end when it does: killed, it must not leave others at work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)  # as if killed: whatever was under way can be gone on with

    threading.Thread(target=watch, daemon=True).start()


class OnRay:
    """On a Ray cluster, one processor a trial; without an address on a Ray of this machine alone, started for it.

    Raises:
        RequestError: if Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, address: str, workers: int) -> None:
        try:
            import ray
        except ImportError:
            raise RequestError("--ray needs Ray: pip install 'melodysynthesis[ray]'") from None
        where: dict[str, Any] = {"address": address}
        if not address:
            where = {"address": "local", "num_cpus": workers, "include_dashboard": False}
        try:
            ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray's have no common base: a busy machine's start raises a bare one
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            where_to = f"no Ray cluster at {address}" if address else "Ray can't be started here"
            raise RequestError(f"--ray: {where_to}: {first[:150]}") from None
        self.ray, self.task = ray, ray.remote(num_cpus=1, max_retries=0)(outcome)
        self.refs: list[Any] = []

    def submit(self, trial: Trial, folder: Path) -> Future[str]:
        """See `Launcher.submit`."""
        self.refs.append(self.task.remote(trial, folder))
        future: Future[str] = self.refs[-1].future()
        return future

    def stop(self) -> None:
        """Leave the cluster, which others may use, as it was."""
        for ref in self.refs:
            self.ray.cancel(ref)
        self.ray.shutdown()
