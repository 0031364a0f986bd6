"""The models that ship, and how a model is found by name or path."""

from __future__ import annotations

from pathlib import Path

from melodysynthesis.encodings import Encoding
from melodysynthesis.errors import ModelError, unknown
from melodysynthesis.runtime import onnx
from melodysynthesis.runtime.base import Engine, ModelCard

FOLDER = Path(__file__).parent.parent / "pretrained"

# Name -> file in `FOLDER`. The first is the default of `melody generate`.
PRETRAINED: dict[str, str] = {
    "transformer": "transformer.onnx",
    "hybrid": "hybrid.onnx",
    "lstm": "lstm.onnx",
    "gan": "gan.onnx",
    "public-domain": "public-domain.onnx",
}
DEFAULT = next(iter(PRETRAINED))


def load(name_or_path: str | Path = DEFAULT, threads: int = 0) -> Engine:
    """The engine of a model that ships, of a model file, or of a run's folder.

    Args:
        name_or_path: a name in `PRETRAINED`, a path to a ``.onnx`` file or to a folder with ``model.onnx``.
        threads: for large batches; 0 for all processors.

    Raises:
        ModelError: for an unknown name, suggesting the nearest, or a file that is no model.
    """
    return onnx.OnnxEngine(path_of(name_or_path), threads)


def path_of(name_or_path: str | Path) -> Path:
    """The file of a model; see `load`."""
    name, path = str(name_or_path), Path(name_or_path)
    if name in PRETRAINED:
        return FOLDER / PRETRAINED[name]
    if path.is_dir():
        if not (path / "model.onnx").is_file():
            raise ModelError(f"{path}: there is no model.onnx in this folder: has the run been exported?")
        return path / "model.onnx"
    if path.suffix == ".onnx" or path.is_file():
        return path
    raise ModelError(f"{unknown('model', name, PRETRAINED)} (or give a path to a .onnx file)")


def read_label(name_or_path: str | Path) -> tuple[ModelCard, Encoding]:
    """The card and the encoding of a model, without making it ready to run; see `load`."""
    return onnx.read_label(path_of(name_or_path))


def cards() -> dict[str, ModelCard]:
    """The card of each model that ships, by name."""
    return {name: onnx.read_card(FOLDER / file) for name, file in PRETRAINED.items() if (FOLDER / file).is_file()}
