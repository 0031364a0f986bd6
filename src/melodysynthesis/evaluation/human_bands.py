"""Where the 17 descriptors of single human melodies lie, so that one melody can be compared with them.

Conventions
-----------
Input: a named corpus; its tunes are those of the validation and test splits, which no model trained on it has seen.
Unit: each descriptor's own, see `descriptors`.

Band
    From the 2.5 % to the 97.5 % quantile: of human tunes one in twenty lies outside, in any one descriptor. It is a
    band of single melodies; that of the means of sets, which is narrower, is given by `comparison`.

The figures ship as ``human_bands.json``, since a collection may be missing and its licence may keep its tunes, but not
what is counted in them, from being handed on. They are made again by

    python -m melodysynthesis.evaluation.human_bands
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from melodysynthesis.evaluation.descriptors import NAMES, describe_sounds, sounds_of
from melodysynthesis.evaluation.statistics import LEVEL
from melodysynthesis.formats import files
from melodysynthesis.music import Melody

FILE = Path(__file__).with_suffix(".json")
QUANTILES = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)


class Band(NamedTuple):
    """Where human melodies lie in one descriptor: the ends of the band, and the median."""

    low: float
    median: float
    high: float


class HumanBands(NamedTuple):
    """HumanBands's melodies: how many, and their bands by descriptor."""

    tunes: int
    bands: dict[str, Band]


def measure(melodies: Sequence[Melody]) -> HumanBands:
    """The bands of some melodies; at least one."""
    rows = describe_sounds([sounds_of(melody) for melody in melodies])
    columns = np.quantile(rows, QUANTILES, axis=0).T.tolist()
    return HumanBands(len(melodies), {name: Band(*column) for name, column in zip(NAMES, columns, strict=True)})


@cache
def known() -> dict[str, HumanBands]:
    """The bands of the named corpora's held-out tunes, as they ship."""
    bands_by_corpus = json.loads(files.load(FILE))
    return {
        corpus: HumanBands(of["tunes"], {name: Band(*band) for name, band in of["bands"].items()})
        for corpus, of in bands_by_corpus.items()
    }


def main() -> None:
    """Measure every named corpus and write the file again; takes a minute where none is built yet."""
    from melodysynthesis import corpora

    bands_by_corpus = {}
    for name in corpora.SOURCES:
        corpus = corpora.load(name)
        people = measure([*corpus.split("validation"), *corpus.split("test")])
        bands = {each: [float(f"{value:.6g}") for value in band] for each, band in people.bands.items()}
        bands_by_corpus[name] = {"tunes": people.tunes, "bands": bands}
    text = json.dumps(bands_by_corpus, indent=1).replace("\n    ", " ").replace("[ ", "[").replace("\n   ]", "]")
    files.save(FILE, text.encode() + b"\n")


if __name__ == "__main__":
    main()
