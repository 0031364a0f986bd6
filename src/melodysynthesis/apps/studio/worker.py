"""A worker process: reads jobs from standard input, a line of JSON each, and writes their events to standard output.

    in      {"job": "judge", "fields": {...}}        at any time {"stop": true}, which ends a generation under way
    out     {"event": {...}} ...                    then {"end": true}, or {"mistake": "..."}, or {"failed": "..."}

A mistake is an error in the input, for the client; a failure is an error of the program, for the log.
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
    stop, jobs_in = Event(), SimpleQueue[dict[str, Any] | None]()
    Thread(target=_listen, args=(jobs_in, stop), daemon=True).start()
    while (line := jobs_in.get()) is not None:
        _answer(jobs, line, stop, lambda message: _send(out, message))


def _listen(jobs_in: SimpleQueue[dict[str, Any] | None], stop: Event) -> None:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message.get("stop"):
            stop.set()
        else:
            stop.clear()  # a late message to stop was for the job before
            jobs_in.put(message)
    jobs_in.put(None)


def _answer(jobs: Jobs, line: dict[str, Any], stop: Event, send: Callable[[dict[str, Any]], None]) -> None:
    try:
        for event in jobs.table[line["job"]](line["fields"], stop.is_set):
            send({"event": event})
        send({"end": True})
    except MelodyError as error:
        send({"mistake": str(error)})
    except ModuleNotFoundError as error:
        send({"mistake": f"{error.name} is not installed"})
    except Exception as error:
        traceback.print_exc()
        send({"failed": type(error).__name__})


def _send(out: BinaryIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message).encode() + b"\n")
    out.flush()


def _bound_memory() -> None:
    """Limit the memory of this process, where the system can: a job that needs too much fails alone."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_WORKER_BYTES, MAX_WORKER_BYTES))


if __name__ == "__main__":
    main()
