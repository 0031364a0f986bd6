"""A model file for the command line: an n-gram of a scale, made once."""

import numpy as np
import pytest

from melodysynthesis.encodings import encoding_from
from melodysynthesis.notation import parse_key, parse_meter, parse_notes
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.runtime.ngram import train_ngram


def tunes():
    """Four bars of quarters each, up and down a scale, in a few keys."""
    from dataclasses import replace

    for key, shift in (("C", 0), ("G", 7), ("F", 5)):
        for start in range(4):
            pitches = [60 + step for step in (0, 2, 4, 5, 7, 5, 4, 2)]
            names = " ".join(f"{'CDEFGFED'[i]}4:1" for i in range(start, 8)) + " C4:1" * (start + 8)
            melody = replace(parse_notes(names), meters=(parse_meter("4/4"),))
            assert melody.duration == 16 * 24, pitches
            yield melody.transpose(shift, parse_key(key))


def model_file(folder, encoding_name):
    encoding = encoding_from({"name": encoding_name})
    sequences = [np.asarray(encoding.encode(melody)) for melody in tunes()]
    card = ModelCard("scale", "ngram", "test", "scales", "none", 0, 0, "", {"bits per note": 1.25})
    path = folder / f"scale-{encoding_name}.ngram"
    train_ngram(sequences, encoding, 4, card).save(path)
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Paths of an n-gram model of each encoding."""
    folder = tmp_path_factory.mktemp("models")
    return {name: str(model_file(folder, name)) for name in ("event", "grid")}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
