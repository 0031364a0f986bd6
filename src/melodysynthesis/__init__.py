"""MelodySynthesis: train, compare and play melody models."""

import sys
from typing import Any

__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """Have IPython show melodies as `notebook.html` does; importing the package in a notebook does it too."""
    shell.display_formatter.formatters["text/html"].for_type_by_name("melodysynthesis.music", "Melody", _shown)


def _shown(melody: Any) -> str:
    from melodysynthesis.notebook import html

    return html(melody)


if (_ipython := sys.modules.get("IPython")) is not None and (_shell := _ipython.get_ipython()) is not None:
    load_ipython_extension(_shell)
