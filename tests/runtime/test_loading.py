"""Model files are opened by what is in them."""

import zipfile

import numpy as np
import pytest

from melodysynthesis.encodings import GridEncoding
from melodysynthesis.errors import ModelError
from melodysynthesis.runtime.constant import ConstantEngine, train_constant
from melodysynthesis.runtime.loading import open_model, read_summary
from melodysynthesis.runtime.ngram import NGramEngine, train_ngram
from melodysynthesis.runtime.ppm import PPMEngine, train_ppm
from melodysynthesis.runtime.pretrained import PRETRAINED

SONGS = [np.array([0, 3, 1, 4, 1, 3, 1, 0])] * 12


@pytest.mark.parametrize(
    ("train", "kind"), [(train_ngram, NGramEngine), (train_ppm, PPMEngine), (train_constant, ConstantEngine)]
)
def test_a_model_of_counts(tmp_path, train, kind):
    path = tmp_path / "counted.npz"
    train(SONGS, GridEncoding()).save(path)
    engine, model = open_model(str(path))
    assert isinstance(engine, kind)
    assert model.card == engine.card
    summary = read_summary(str(path))
    assert (summary.source, summary.encoding.description()) == (model, engine.encoding.description())


def test_a_summary_is_read_of_each_model_that_ships():
    for name in PRETRAINED:
        engine, model = open_model(name)
        assert read_summary(name).source == model
        assert read_summary(name).encoding.description() == engine.encoding.description()


def test_another_zip_file_is_no_model(tmp_path):
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no model")
    with pytest.raises(ModelError, match=r"other\.zip: not a model of counts, or damaged"):
        open_model(str(path))
