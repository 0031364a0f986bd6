"""The architectures, as a table. A new one is a file here, a line below, and the tests pick it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from melodysynthesis.encodings.base import Encoding, Feature
from melodysynthesis.errors import ModelError, unknown
from melodysynthesis.models import hybrid, lstm, transformer
from melodysynthesis.models.base import MelodyModel, parameter_count, select

__all__ = [
    "ARCHITECTURES", "Architecture", "MelodyModel", "build", "config_from", "config_to", "parameter_count", "select",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Architecture:
    """One line of the table.

    Attributes:
        config: the class of its configuration, a flat frozen dataclass.
        module: makes the module from a configuration, the size of the vocabulary and the encoding's features.
        presets: configurations by name; each architecture has `original` and `base`.
    """

    config: type[Any]
    module: Callable[[Any, int, tuple[Feature, ...]], MelodyModel]
    presets: Mapping[str, Any]


ARCHITECTURES: dict[str, Architecture] = {
    "lstm": Architecture(lstm.LSTMConfig, lstm.LSTM, lstm.PRESETS),
    "transformer": Architecture(transformer.TransformerConfig, transformer.Transformer, transformer.PRESETS),
    "hybrid": Architecture(hybrid.HybridConfig, hybrid.Hybrid, hybrid.PRESETS),
}


def find(architecture: str) -> Architecture:
    """The line of the table.

    Raises:
        ModelError: for an unknown name, suggesting the nearest.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(unknown("model", architecture, ARCHITECTURES))
    return ARCHITECTURES[architecture]


def config_from(architecture: str, given: str | Mapping[str, object]) -> Any:
    """The configuration of a preset's name or of a mapping, as `config_to` writes it.

    Raises:
        ModelError: for an unknown preset or field and for values that contradict each other.
    """
    line = find(architecture)
    if isinstance(given, str):
        if given not in line.presets:
            raise ModelError(unknown(f"preset of {architecture}", given, line.presets))
        return line.presets[given]
    names = {field.name for field in fields(line.config)}
    if strange := [name for name in given if name not in names]:
        raise ModelError(unknown(f"field of {architecture}", strange[0], names))
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    try:
        return line.config(**values)
    except TypeError as error:
        raise ModelError(f"{architecture}: a field is of the wrong type: {error}") from None


def config_to(config: Any) -> dict[str, object]:
    """A configuration as plain values for JSON."""
    return asdict(config)


def build(architecture: str, config: Any, encoding: Encoding) -> MelodyModel:
    """A new model.

    Args:
        architecture: a name in `ARCHITECTURES`.
        config: the name of a preset, a mapping of fields or the architecture's configuration.
        encoding: what its tokens and features are.

    Raises:
        ModelError: for an unknown architecture or preset, or a configuration that does not fit the encoding.
    """
    line = find(architecture)
    if not isinstance(config, line.config):
        config = config_from(architecture, config)
    return line.module(config, len(encoding.vocabulary), tuple(encoding.features))
