from pathlib import Path

import pytest

from melodysynthesis.errors import FormatError
from melodysynthesis.models import build, parameter_count
from melodysynthesis.training.diagram import draw_architecture, layers_of
from tests.training.songs import EVENT, GRID, tiny


@pytest.mark.parametrize(("preset", "encoding"), [("original", GRID), ("base", EVENT)])
def test_every_parameter_is_in_one_layer(preset: str, encoding: object) -> None:
    model = build("lstm", preset, encoding)  # type: ignore[arg-type]
    assert sum(layer.parameters for layer in layers_of(model)) == parameter_count(model)


def test_the_original_is_drawn_as_the_study_has_it() -> None:
    rows = layers_of(build("lstm", "original", GRID))
    assert [row.kind for row in rows] == [
        "tokens and features", "LSTM", "batch norm", "LSTM", "dropout 0.2", "logits",
    ]  # fmt: skip
    assert [row.parameters for row in rows] == [0, 309_248, 512, 525_312, 0, 11_565]
    assert [row.shape for row in rows] == [(64, 45), *[(64, 256)] * 4, (64, 45)]


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    draw_architecture(build("lstm", tiny(EVENT), EVENT), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FormatError, match="can't be written"):
        draw_architecture(build("lstm", tiny(EVENT), EVENT), tmp_path / "none" / "a.png")
