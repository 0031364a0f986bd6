"""A listening test served by a process of its own, as `melody listen serve` does."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager

SERVE = "from melodysynthesis.apps.cli import main; main()"


@contextmanager
def served(database):
    """The process, and the address that it says."""
    command = (sys.executable, "-c", SERVE, "listen", "serve", "--port", "0", "--no-browser", "--database", database)
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            yield server, re.search(r"http://\S+", server.stdout.readline())[0]
        finally:
            server.kill()
