"""What is measured of a trial: how well it predicts, what its melodies are like, how fast it steps.

Conventions
-----------
Every trial has the same tasks: to predict the same held-out tunes, and to write as many melodies, in the meters that
held-out tunes have, in their proportions. Tonic and mode are the model's choice (an encoding that can't say them is
taken in the key that is found). Human melodies are judged like a model's: the test tunes take their place.

Melodies are compared by `evaluation.comparison` with the validation and test tunes, which no trial was trained on.
The figure of human melodies is stored with each score, under the same name after ``"people's "``. Intervals are 95 %.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from melodysynthesis import corpora
from melodysynthesis.encodings import Encoding, Ids
from melodysynthesis.errors import EncodingError, RequestError
from melodysynthesis.evaluation.breakdown import breakdown
from melodysynthesis.evaluation.comparison import HumanReference
from melodysynthesis.evaluation.evaluate import evaluate
from melodysynthesis.evaluation.features import FIGURES, features_of
from melodysynthesis.evaluation.labels import reading_order, token_label
from melodysynthesis.evaluation.originality import index_of
from melodysynthesis.evaluation.plots import SHOWN
from melodysynthesis.evaluation.prediction import Prediction
from melodysynthesis.evaluation.statistics import Interval
from melodysynthesis.generation.generate import generate_only
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody, Meter
from melodysynthesis.runtime.base import Engine
from melodysynthesis.study.plan import JudgingPlan
from melodysynthesis.study.results import Measurement

STEPS_TIMED = 96
"""Steps that are timed, from the first on: about a melody. What attention costs grows along it."""
WARM_UP = 8
DISTINCT = 8
"""Notes of the runs whose variety is measured."""


@cache
def panel_of(corpus: str, resamples: int) -> HumanReference:
    """What melodies are judged by: the validation and test tunes of a corpus, and an index of its training tunes."""
    loaded = corpora.load(corpus)
    return HumanReference(held_out(corpus), index_of(loaded), resamples=resamples)


@cache
def held_out(corpus: str) -> tuple[Melody, ...]:
    """The validation and test tunes of a corpus."""
    loaded = corpora.load(corpus)
    return (*loaded.split("validation"), *loaded.split("test"))


def predict(engine: Engine, tunes: Sequence[Melody]) -> tuple[list[Measurement], dict[str, Any]]:
    """Rows of an engine's prediction of tunes, and its confusion matrix for a picture.

    Of each tune that the encoding can say, by its number, there is a row of bits and one of notes: for pairing.
    """
    found = evaluate(engine, tunes)
    rows = [
        _row("bits per note", found.bits_per_note(), "bits"),
        _row("phrase bits per note", found.phrase_bits_per_note(), "bits"),
        Measurement("loss", found.loss, unit="nats"),
        Measurement("accuracy", found.accuracy),
        Measurement("calibration error", found.calibration_error),
        Measurement("tunes that can't be said", float(len(found.rejected)), unit="tunes"),
        Measurement("parameters", float(engine.card.parameters), unit="numbers"),
    ]
    rows += [Measurement(f"accuracy: {name}", group["accuracy"]) for name, group in found.by_group().items()]
    for number, bits, notes in zip(found.numbers, found.music_bits.sum(axis=1), found.notes, strict=True):
        rows.append(Measurement("tune: bits", float(bits), unit="bits", melody=number))
        rows.append(Measurement("tune: notes", float(notes), unit="notes", melody=number))
    for name, parts in breakdown(found, tunes).items():
        rows += [_row(f"bits by {name}: {part.name}", part.bits, "bits") for part in parts]
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


def draw(engine: Engine, judging: JudgingPlan, seed: int, people: Sequence[Melody]) -> dict[float, list[Melody]]:
    """As many melodies as the plan asks for at each of its temperatures, by the model alone, without a judge."""
    meters = _meters(people, judging.melodies)
    drawn: dict[float, list[Melody]] = {}
    for temperature in judging.temperatures:
        melodies: list[Melody] = []
        for meter, count in meters:
            request = Request(
                count=judging.melodies, seed=seed, temperature=temperature, meter=meter, max_steps=judging.max_steps,
                drafts=1,
            )  # fmt: skip
            numbers = range(len(melodies), len(melodies) + count)
            melodies += [one.melody for one in generate_only(engine, request, numbers)]
        drawn[temperature] = melodies
    return drawn


def judge_melodies(
    melodies: Sequence[Melody], panel: HumanReference, at: float, *, each: bool = True
) -> Iterator[Measurement]:
    """Rows on the melodies of a trial at one temperature.

    Args:
        melodies: one or more.
        panel: what they are judged by.
        at: the temperature.
        each: whether to tell of each melody too.
    """
    judged = panel.compare(melodies)
    for row in judged.rows:
        label = f"{row.metric}: {row.name or row.group}"
        yield Measurement(label, row.value, row.low, row.high, at=at)
        yield Measurement(f"people's {label}", row.people, row.people_low, row.people_high, at=at)
    yield from _variety(melodies, at)
    if each:
        for name, values in judged.tunes.items():
            yield from (Measurement(f"figure: {name}", float(value), at=at, melody=n) for n, value in enumerate(values))


def figures_of_people(tunes: Sequence[Melody]) -> Iterator[Measurement]:
    """Each figure of each of people's tunes."""
    for name, column in zip(FIGURES, features_of(tunes).figures.T, strict=True):
        yield from (Measurement(f"figure: {name}", float(value), melody=number) for number, value in enumerate(column))


def _variety(melodies: Sequence[Melody], at: float) -> Iterator[Measurement]:
    """Share of different runs, by interval, among all of the set's; and how many melodies have no note."""
    runs: Counter[tuple[int, ...]] = Counter()
    for melody in melodies:
        intervals = [after - before for before, after in pairwise(melody.pitches)]
        runs.update(tuple(intervals[i : i + DISTINCT - 1]) for i in range(len(intervals) - DISTINCT + 2))
    if runs:
        yield Measurement(f"distinct runs of {DISTINCT} notes", len(runs) / runs.total(), at=at)
    yield Measurement("empty melodies", float(sum(not melody.notes for melody in melodies)), unit="melodies", at=at)


def time_steps(engine: Engine, tunes: Sequence[Melody], batches: Sequence[int]) -> Iterator[Measurement]:
    """Microseconds of a step along real tunes, the encoding's context included, the median of all that are timed.

    Time of one processor, not of the clock: an engine of one thread takes as much of either where nothing else runs.
    """
    sequences = [engine.encoding.encode(tune) for tune in tunes if _can_say(engine.encoding, tune)]
    long = [ids for ids in sequences if len(ids) > WARM_UP + 8]
    if not long:
        raise RequestError("the held-out tunes are too short to time steps along them")
    for batch in batches:
        yield Measurement("step", 1e6 * _seconds(engine, long, batch), unit="µs", at=float(batch))


def _seconds(engine: Engine, sequences: Sequence[Ids], batch: int) -> float:
    chosen = [sequences[row % len(sequences)] for row in range(batch)]
    _, state = engine.init(batch)
    taken = []
    for place in range(1, WARM_UP + STEPS_TIMED):
        ids = np.array([ids[min(place, len(ids) - 1)] for ids in chosen], np.int64)
        start = time.thread_time()
        _, state = engine.step(ids, state)
        taken.append(time.thread_time() - start)
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


def _row(metric: str, interval: Interval, unit: str = "") -> Measurement:
    return Measurement(metric, interval.value, interval.low, interval.high, unit)
