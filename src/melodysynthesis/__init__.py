"""MelodySynthesis: train, compare and play melody models.

    import melodysynthesis as ms

    melody = ms.generate(key="G major", meter="3/4", bars=8, chords="G | C | D7 | G", seed=1)[0]
    ms.write(melody, "tune.mid")

Importing the package loads nothing else: each name is imported from its module when it is first used. All that is in
`__all__` is public and keeps its meaning; `melodysynthesis.api` documents the functions.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # isort: off
    from melodysynthesis.api import (
        certify, describe, draw, evaluate, fill, generate, load_corpus, load_model, originality, read, read_all, show,
        harmonise, vary, write,
    )  # fmt: skip
    from melodysynthesis.certificate import Certificate
    from melodysynthesis.corpora import Corpus
    from melodysynthesis.errors import (
        CorpusError, EncodingError, FormatError, MelodyError, ModelError, RequestError, TrainingError,
    )  # fmt: skip
    from melodysynthesis.evaluation.prediction import Prediction
    from melodysynthesis.generation.batch import Generated
    from melodysynthesis.generation.request import Request
    from melodysynthesis.interchange import (
        from_music21, from_note_array, from_pretty_midi, from_symusic, to_music21, to_note_array, to_pretty_midi,
        to_symusic,
    )  # fmt: skip
    from melodysynthesis.music import Key, Melody, Meter, Note
    from melodysynthesis.runtime.loading import OpenedModel
    # isort: on

__version__ = "0.1.0"

__all__ = [
    "Certificate", "Corpus", "CorpusError", "EncodingError", "FormatError", "Generated", "Key", "Melody", "MelodyError",
    "Meter", "ModelError", "Note", "OpenedModel", "Prediction", "Request", "RequestError", "TrainingError",
    "__version__", "certify", "describe", "draw", "evaluate", "fill", "from_music21", "from_note_array",
    "from_pretty_midi", "from_symusic", "generate", "harmonise", "load_corpus", "load_model", "originality", "read",
    "read_all", "show", "to_music21", "to_note_array", "to_pretty_midi", "to_symusic", "vary", "write",
]  # fmt: skip

_MODULES = {
    "api": "certify describe draw evaluate fill generate harmonise load_corpus load_model originality read read_all "
    "show vary write",
    "certificate": "Certificate",
    "corpora": "Corpus",
    "errors": "CorpusError EncodingError FormatError MelodyError ModelError RequestError TrainingError",
    "evaluation.prediction": "Prediction",
    "generation.batch": "Generated",
    "generation.request": "Request",
    "interchange": "from_music21 from_note_array from_pretty_midi from_symusic to_music21 to_note_array "
    "to_pretty_midi to_symusic",
    "music": "Key Melody Meter Note",
    "runtime.loading": "OpenedModel",
}
"""Where each public name is defined."""

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, for completion in a shell."""
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Have IPython show melodies as `notebook.html` does; importing the package in a notebook does it too."""
    shell.display_formatter.formatters["text/html"].for_type_by_name("melodysynthesis.music", "Melody", _html)


def _html(melody: Any) -> str:
    from melodysynthesis.notebook import html

    return html(melody)


if (_ipython := sys.modules.get("IPython")) is not None and (_shell := _ipython.get_ipython()) is not None:
    load_ipython_extension(_shell)
