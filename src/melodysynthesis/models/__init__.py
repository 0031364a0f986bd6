"""The architectures, as a table. A new one is a file here, a line below, and the tests pick it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from melodysynthesis.configuration import from_mapping
from melodysynthesis.encodings.base import Encoding, Feature
from melodysynthesis.errors import ModelError, unknown
from melodysynthesis.models import hybrid, lstm, transformer
from melodysynthesis.models.base import MelodyModel, parameter_count

__all__ = [
    "ARCHITECTURES", "Architecture", "MelodyModel", "build", "config_from", "parameter_count",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Architecture:
    """A row of the table.

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
    """The row of an architecture.

    Raises:
        ModelError: for an unknown name, suggesting the nearest.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(unknown("model", architecture, ARCHITECTURES))
    return ARCHITECTURES[architecture]


def config_from(architecture: str, given: str | Mapping[str, object]) -> Any:
    """The configuration of a preset's name or of a mapping, as `asdict` gives it.

    Raises:
        ModelError: for an unknown preset or field and for values that contradict each other.
    """
    row = find(architecture)
    if isinstance(given, str):
        if given not in row.presets:
            raise ModelError(unknown(f"preset of {architecture}", given, row.presets))
        return row.presets[given]
    config: Any = from_mapping(row.config, given, f"field of {architecture}", ModelError)
    return config


def build(architecture: str, config: Any, encoding: Encoding) -> MelodyModel:
    """A new model.

    Args:
        architecture: a name in `ARCHITECTURES`.
        config: the name of a preset, a mapping of fields or the architecture's configuration.
        encoding: what its tokens and features are.

    Raises:
        ModelError: for an unknown architecture or preset, or a configuration that does not fit the encoding.
    """
    row = find(architecture)
    if not isinstance(config, row.config):
        config = config_from(architecture, config)
    return row.module(config, len(encoding.vocabulary), tuple(encoding.features))
