"""What is measured of a trial: how well it predicts, what its melodies are like, how fast it steps.

Conventions
-----------
Every trial is asked the same: to predict the same held-out tunes, and to write as many melodies, in the meters that
held-out tunes have, in their proportions. Tonic and mode are the model's choice (an encoding that can't say them is
heard in the key that is found). People are judged as a model would be: the test tunes in its place.

Reference    for distances and for originality: the validation and test splits, which no trial was trained on.
Interval     95 %, by bootstrap over tunes or melodies: see `evaluation.statistics` and `evaluation.distribution`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from melodysynthesis import corpora
from melodysynthesis.encodings import Encoding, Ids
from melodysynthesis.errors import EncodingError, RequestError
from melodysynthesis.evaluation import distribution, originality
from melodysynthesis.evaluation.features import FIGURES, features_of
from melodysynthesis.evaluation.labels import reading_order, token_label
from melodysynthesis.evaluation.plots import SHOWN
from melodysynthesis.evaluation.prediction import Prediction, judge
from melodysynthesis.evaluation.statistics import Interval, bootstrap_ratio
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.sampler import generate_only
from melodysynthesis.music import Melody, Meter
from melodysynthesis.runtime.base import Engine
from melodysynthesis.study.plan import Judging
from melodysynthesis.study.results import Row

STEPS_TIMED = 96
"""Steps that are timed, from the first on: about a melody. What attention costs grows along it."""
WARM_UP = 8
DISTINCT = 8
"""Notes of the runs whose variety is told."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a trial's melodies are judged by: the held-out people, and what the training tunes hold.

    Attributes:
        people: the validation and test tunes.
        index: of the training tunes.
    """

    people: Sequence[Melody]
    index: originality.Index

    @classmethod
    def of(cls, corpus: corpora.Corpus) -> Measure:
        """That of a corpus."""
        return cls([*corpus.split("validation"), *corpus.split("test")], originality.index_of(corpus))


def predict(engine: Engine, tunes: Sequence[Melody]) -> tuple[list[Row], dict[str, Any]]:
    """Rows of an engine's prediction of tunes, and its confusion matrix for a picture.

    Of each tune that the encoding can say, by its number, there is a row of bits and one of notes: for pairing.
    """
    numbers = [number for number, tune in enumerate(tunes) if _can_say(engine.encoding, tune)]
    found = judge(engine, [tunes[number] for number in numbers])
    rows = [
        _row("bits per note", found.bits_per_note(), "bits"),
        _row("phrase bits per note", found.phrase_bits_per_note(), "bits"),
        Row("loss", found.loss, unit="nats"),
        Row("accuracy", found.accuracy),
        Row("calibration error", found.calibration_error),
        Row("tunes that can't be said", float(len(tunes) - len(numbers)), unit="tunes"),
        Row("parameters", float(engine.card.parameters), unit="numbers"),
    ]
    rows += [Row(f"accuracy: {name}", group["accuracy"]) for name, group in found.by_group().items()]
    for number, bits, notes in zip(numbers, found.music_bits.sum(axis=1), found.notes, strict=True):
        rows.append(Row("tune: bits", float(bits), unit="bits", melody=number))
        rows.append(Row("tune: notes", float(notes), unit="notes", melody=number))
    return rows, confusion(found)


def confusion(found: Prediction) -> dict[str, Any]:
    """A confusion matrix as JSON values: labels, groups, and (true, predicted, share of the true) where not nothing."""
    encoding = found.encoding
    occurs = found.confusion.sum(axis=0) + found.confusion.sum(axis=1) > 0
    tokens = [token for token in reading_order(encoding) if occurs[token] and encoding.groups[token] in SHOWN]
    counts = found.confusion[np.ix_(tokens, tokens)]
    shares = counts / np.maximum(found.confusion[tokens].sum(axis=1, keepdims=True), 1)
    cells = [[int(t), int(p), round(float(shares[t, p]), 3)] for t, p in np.argwhere(shares >= 0.0005)]
    return {
        "labels": [token_label(encoding.vocabulary[token]) for token in tokens],
        "groups": [int(encoding.groups[token]) for token in tokens],
        "cells": cells,
    }


def draw(engine: Engine, judging: Judging, seed: int, people: Sequence[Melody]) -> dict[float, list[Melody]]:
    """As many melodies as the plan asks for at each of its temperatures."""
    meters = _meters(people, judging.melodies)
    drawn: dict[float, list[Melody]] = {}
    for temperature in judging.temperatures:
        melodies: list[Melody] = []
        for meter, count in meters:
            request = Request(
                count=judging.melodies, seed=seed, temperature=temperature, meter=meter, max_steps=judging.max_steps
            )
            numbers = range(len(melodies), len(melodies) + count)
            melodies += [one.melody for one in generate_only(engine, request, numbers)]
        drawn[temperature] = melodies
    return drawn


def judge_melodies(
    melodies: Sequence[Melody],
    measure: Measure,
    judging: Judging,
    at: float,
    *,
    each: bool = True,
    by: Sequence[Judge] | None = None,
) -> list[Row]:
    """Rows on a set of melodies.

    Args:
        melodies: of one trial at one temperature.
        measure: what they are judged by.
        judging: how.
        at: the temperature.
        each: whether to tell of each melody too.
        by: who judges; all of `JUDGES` by default.
    """
    rows = [row for judged_by in by or JUDGES for row in judged_by(melodies, measure, judging)]
    return [row._replace(at=at) for row in rows if each or row.melody is None]


def _figures(melodies: Sequence[Melody], measure: Measure, judging: Judging) -> Iterator[Row]:
    """Each figure of each melody, and its mean."""
    table = features_of(melodies).figures
    for name, column in zip(FIGURES, table.T, strict=True):
        known = column[~np.isnan(column)]
        if len(known):
            yield _row(f"mean: {name}", bootstrap_ratio(known, np.ones(len(known))))
        for number, value in enumerate(column):
            yield Row(f"figure: {name}", float(value), melody=number)


def _distances(melodies: Sequence[Melody], measure: Measure, judging: Judging) -> Iterator[Row]:
    """Distances to people, and those of other people."""
    scores, _ = distribution.compare(features_of(melodies), features_of(measure.people), resamples=judging.resamples)
    for (_, name, metric), score in scores.items():
        label = f"{metric}: {name}" if name else metric
        yield _row(label, score.melodies)
        yield _row(f"people's {label}", score.people)


def _originality(melodies: Sequence[Melody], measure: Measure, judging: Judging) -> Iterator[Row]:
    """Longest runs shared with training tunes, and their percentiles among held-out tunes."""
    for kind in originality.KINDS:
        found = [measure.index.shared(melody, kind) for melody in melodies]
        percentiles = np.array([shared.percentile for shared in found])
        yield _row(f"originality: percentile by {kind}", bootstrap_ratio(percentiles, np.ones(len(found))))
        for number, shared in enumerate(found):
            yield Row(f"originality: longest run by {kind}", float(shared.notes), unit="notes", melody=number)


def _variety(melodies: Sequence[Melody], measure: Measure, judging: Judging) -> Iterator[Row]:
    """Share of different runs among all of the set's, by interval; lengths of melodies."""
    runs: Counter[tuple[int, ...]] = Counter()
    for melody in melodies:
        intervals = [after - before for before, after in pairwise(melody.pitches)]
        runs.update(tuple(intervals[i : i + DISTINCT - 1]) for i in range(len(intervals) - DISTINCT + 2))
    if runs:
        yield Row(f"distinct runs of {DISTINCT} notes", len(runs) / runs.total())
    yield Row("empty melodies", float(sum(not melody.notes for melody in melodies)), unit="melodies")


Judge = Callable[[Sequence[Melody], Measure, Judging], Iterator[Row]]
JUDGES: tuple[Judge, ...] = (_figures, _distances, _originality, _variety)
"""Whoever judges a set of melodies; a new one is a function and a place here."""
OF_PEOPLE: tuple[Judge, ...] = (_figures, _originality, _variety)
"""Those that judge people too. How far they are from one another is told beside each trial's distances."""


def time_steps(engine: Engine, tunes: Sequence[Melody], batches: Sequence[int]) -> Iterator[Row]:
    """Microseconds of a step along real tunes, the encoding's context included, the median of all that are timed."""
    sequences = [engine.encoding.encode(tune) for tune in tunes if _can_say(engine.encoding, tune)]
    long = [ids for ids in sequences if len(ids) > WARM_UP + 8]
    if not long:
        raise RequestError("the held-out tunes are too short to time steps along them")
    for batch in batches:
        yield Row("step", 1e6 * _seconds(engine, long, batch), unit="µs", at=float(batch))


def _seconds(engine: Engine, sequences: Sequence[Ids], batch: int) -> float:
    chosen = [sequences[row % len(sequences)] for row in range(batch)]
    _, state = engine.init(batch)
    taken = []
    for place in range(1, WARM_UP + STEPS_TIMED):
        ids = np.array([ids[min(place, len(ids) - 1)] for ids in chosen], np.int64)
        start = time.perf_counter()
        _, state = engine.step(ids, state)
        taken.append(time.perf_counter() - start)
        if bool(state.context.done.all()):
            break
    return float(np.median(taken[WARM_UP:]))


def _meters(people: Sequence[Melody], count: int) -> list[tuple[Meter, int]]:
    """The meters of people's melodies that keep one, with numbers of melodies in the same proportions, `count` in all.

    Raises:
        RequestError: if none has a meter.
    """
    found = Counter(tune.meters[0]._replace(tick=0) for tune in people if len(tune.meters) == 1)
    if not found:
        raise RequestError("no held-out tune has a meter to ask the models for")
    total = found.total()
    shares = {meter: int(count * times / total) for meter, times in found.items()}
    commonest = found.most_common(1)[0][0]
    shares[commonest] += count - sum(shares.values())
    return sorted(((meter, share) for meter, share in shares.items() if share), key=lambda pair: (-pair[1], pair[0]))


def _can_say(encoding: Encoding, tune: Melody) -> bool:
    try:
        encoding.encode(tune)
    except EncodingError:
        return False
    return True


def _row(metric: str, interval: Interval, unit: str = "") -> Row:
    return Row(metric, interval.value, interval.low, interval.high, unit)
