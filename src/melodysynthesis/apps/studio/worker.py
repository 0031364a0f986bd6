"""A worker process: reads jobs from standard input, a line of JSON each, and writes their events to standard output.

    in      {"job": "judge", "asked": {...}}        at any time {"stop": true}, which ends a generation under way
    out     {"event": {...}} ...                    then {"end": true}, or {"mistake": "..."}, or {"failed": "..."}

A mistake is the input's fault and is told to the person; a failure is the program's.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, BinaryIO

from melodysynthesis.apps.studio.jobs import Jobs
from melodysynthesis.apps.studio.limits import MAX_WORKER_BYTES
from melodysynthesis.errors import MelodyError


def main() -> None:
    """Work until standard input is closed."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get among the answers
    _bound_memory()
    jobs = Jobs(json.loads(sys.argv[1]))
    stop, asked = Event(), SimpleQueue[dict[str, Any] | None]()
    Thread(target=_listen, args=(asked, stop), daemon=True).start()
    while (line := asked.get()) is not None:
        _answer(jobs, line, stop, lambda said: _say(out, said))


def _listen(asked: SimpleQueue[dict[str, Any] | None], stop: Event) -> None:
    for line in sys.stdin.buffer:
        said = json.loads(line)
        if said.get("stop"):
            stop.set()
        else:
            stop.clear()  # one that came too late was for the job before
            asked.put(said)
    asked.put(None)


def _answer(jobs: Jobs, line: dict[str, Any], stop: Event, say: Callable[[dict[str, Any]], None]) -> None:
    try:
        for event in jobs.table[line["job"]](line["asked"], stop.is_set):
            say({"event": event})
        say({"end": True})
    except MelodyError as error:
        say({"mistake": str(error)})
    except ModuleNotFoundError as error:
        say({"mistake": f"{error.name} is not installed"})
    except Exception as error:
        traceback.print_exc()
        say({"failed": type(error).__name__})


def _say(out: BinaryIO, said: dict[str, Any]) -> None:
    out.write(json.dumps(said).encode() + b"\n")
    out.flush()


def _bound_memory() -> None:
    """A job that asks for too much fails alone, where the system knows such limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_WORKER_BYTES, MAX_WORKER_BYTES))


if __name__ == "__main__":
    main()
