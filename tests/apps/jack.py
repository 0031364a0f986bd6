"""A JACK server without a sound card, for real MIDI ports.

Synchronous (-S): else a client that is late may lose what was written to it in that cycle, and machines that run tests
have no real-time scheduling.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PERIOD = 256
"""Frames of a cycle: 5 ms."""


@contextmanager
def jack() -> Iterator[None]:
    """A server for this process and those that it starts; the test is skipped where there can be none."""
    pytest.importorskip("rtmidi", reason="needs JACK and python-rtmidi")
    if shutil.which("jackd") is None or shutil.which("jack_lsp") is None:
        pytest.skip("needs JACK: apt-get install jackd2")
    name = f"melody-{os.getpid()}"
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    command = ["jackd", "--no-realtime", "-S", "-n", name, "-d", "dummy", "-r", "48000", "-p", str(PERIOD)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not _answers(server):
            pytest.skip("needs JACK: the server does not start here")
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


def _answers(server: subprocess.Popen[bytes]) -> bool:
    """Whether the server takes clients, within ten seconds."""
    until = time.monotonic() + 10
    while server.poll() is None and time.monotonic() < until:
        if subprocess.run(["jack_lsp"], capture_output=True, timeout=10, check=False).returncode == 0:
            return True
        time.sleep(0.1)
    return False
