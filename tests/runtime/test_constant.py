"""The constant rule's file gives it back, and a damaged one is one clear error."""

import numpy as np
import pytest

from melodysynthesis.errors import ModelError
from melodysynthesis.runtime.constant import load_constant, train_constant
from tests.runtime.songs import GRID, damaged, random_songs


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rule.npz"
    train_constant(random_songs(), GRID).save(path)
    return path


def test_its_file_gives_it_back(file, tmp_path):
    engine = load_constant(file)
    np.testing.assert_array_equal(engine.logits, train_constant(random_songs(), GRID).logits)
    engine.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == file.read_bytes()
    assert engine.card.parameters == engine.logits.size


@pytest.mark.parametrize(
    "logits", [np.zeros((2, 2), np.float32), np.full((8, len(GRID.vocabulary)), np.nan, np.float32), np.array(["no"])]
)
def test_a_damaged_file_is_one_clear_error(file, logits):
    file.write_bytes(damaged(file.read_bytes(), logits=logits))
    with pytest.raises(ModelError, match=r"rule\.npz: not a constant rule, or damaged"):
        load_constant(file)
