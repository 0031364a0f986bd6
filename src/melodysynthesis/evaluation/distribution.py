"""How far a set of melodies is from human ones, compared with how far two human sets are from each other.

Conventions
-----------
Input: melodies, and human melodies. Half of the human ones, at random, are the reference. The melodies and the other
    half are both compared with it, in equal numbers, since some distances shrink with the number. A model whose
    distance is near the human one is as close to the reference as human melodies are.
Unit: of the figure for `wasserstein`; bits for `jensen_shannon`; nats for `divergence`; none for the others.

Overlap and divergence
    Of the densities of distances within the reference (intra-set) and from it to the others (inter-set): the area
    under both, 1 for equal ones, and the Kullback-Leibler divergence of intra from inter. Yang and Lerch, "On the
    evaluation of generative models in music" (Neural Computing and Applications 32, 2020, doi
    10.1007/s00521-018-3849-7), section 3. The distance is Euclidean, of a figure or of a profile's shares; the density
    is by Gaussian kernels of Scott's width. At most `PAIRED` melodies of each set are paired.
Wasserstein distance
    Area between the two cumulative distributions of a figure.
Jensen-Shannon divergence
    Of the two sets' shares, averaged over melodies, 0 for equal ones and 1 for such as have nothing in common.
Frechet distance
    Of Gaussians fitted to the figures, standardised by the reference's mean and deviation, kept within `FARTHEST`
    deviations, so that no figure with little variation decides alone; an unknown one is set to the mean;
    squared, as Heusel et al. have it (NeurIPS 2017, arXiv 1706.08500). It grows as sets get smaller.
Intervals
    Of 95 %, by drawing melodies of each set with replacement (seeded). Draws hold melodies twice, which moves
    distances: they are centred on the value. NaN where a set has one melody.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.features import FIGURES, Features
from melodysynthesis.evaluation.statistics import LEVEL, UNKNOWN, Interval

DISTANCE_RESAMPLES = 200
FARTHEST = 6
PAIRED = 100
"""Pairs, and the time they take, grow with the square; of a hundred melodies there are thousands."""
FEWEST_PEOPLE = 4
FRECHET = {"17 descriptors": slice(0, len(NAMES)), "all figures": slice(0, len(FIGURES))}
"""Figures that a Frechet distance is taken over."""
_BINS = 96

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], Floats]
"""Scores by draws: of weights (draws, melodies) and weights (draws, reference), (draws,) or (draws, scores)."""


class ReferenceDistance(NamedTuple):
    """Distance of the melodies, and of other human melodies, from the reference."""

    melodies: Interval
    people: Interval


def distances(
    melodies: Features, people: Features, *, seed: int = 0, resamples: int = DISTANCE_RESAMPLES
) -> tuple[dict[tuple[str, str, str], ReferenceDistance], dict[str, int]]:
    """Distances of melodies, and of other human melodies, from a human reference.

    Args:
        melodies: features of one or more melodies.
        people: features of at least `FEWEST_PEOPLE` human melodies; half of them are the reference.
        seed: of the split and the draws.
        resamples: draws for the intervals.

    Returns:
        The distances by group (``figures``, ``profiles`` or ``all``), name and metric (``wasserstein``,
        ``jensen_shannon``, ``frechet``, ``overlap``, ``divergence``); and the numbers of melodies ``compared`` and in
        the ``reference``.

    Raises:
        RequestError: without melodies, or with too few human ones.
    """
    if not len(melodies):
        raise RequestError("there are no melodies to compare")
    check_people(len(people))
    of_reference, of_others = halves(len(people), seed)
    half, size = len(of_reference), min(len(melodies), len(of_others))
    random = np.random.default_rng(seed)
    reference, others = people.take(of_reference), people.take(of_others[:size])
    chosen = melodies.take(np.sort(random.permutation(len(melodies))[:size]))
    draws = _weights(size, resamples, random), _weights(half, resamples, random)
    found = [dict(_scores(each, reference, draws)) for each in (chosen, others)]
    scores = {place: ReferenceDistance(found[0][place], found[1][place]) for place in found[0]}
    return scores, {"compared": size, "reference": half}


def check_people(count: int) -> None:
    """Check that there are enough human melodies to be split in two halves.

    Raises:
        RequestError: if there are not.
    """
    if count < FEWEST_PEOPLE:
        raise RequestError(f"{count} melodies to compare with are too few: at least {FEWEST_PEOPLE} are needed")


def halves(people: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the human melodies in the reference, and of the others."""
    order = np.random.default_rng(seed).permutation(people)
    return order[: people // 2], order[people // 2 :]


def _scores(
    one: Features, reference: Features, draws: tuple[Floats, Floats]
) -> Iterator[tuple[tuple[str, str, str], Interval]]:
    for name, columns in FRECHET.items():
        yield (
            ("all", name, "frechet"),
            _interval(frechet(one.figures[:, columns], reference.figures[:, columns]), draws)[0],
        )
    for column, name in enumerate(FIGURES):
        values, there = one.figures[:, column], reference.figures[:, column]
        known, known_there = np.flatnonzero(~np.isnan(values)), np.flatnonzero(~np.isnan(there))
        mine = (draws[0][:, known], draws[1][:, known_there])
        values, there = values[known], there[known_there]
        yield ("figures", name, "wasserstein"), _interval(wasserstein(values, there), mine)[0]
        yield from _paired("figures", name, values[:, None], there[:, None], mine)
    for name, counts in one.profiles.items():
        values, there = shares(counts, reference.profiles[name])
        known, known_there = np.flatnonzero(values.any(axis=1)), np.flatnonzero(there.any(axis=1))
        mine = (draws[0][:, known], draws[1][:, known_there])
        values, there = values[known], there[known_there]
        yield ("profiles", name, "jensen_shannon"), _interval(jensen_shannon(values, there), mine)[0]
        yield from _paired("profiles", name, values, there, mine)


def _paired(
    group: str, name: str, one: Floats, reference: Floats, draws: tuple[Floats, Floats]
) -> Iterator[tuple[tuple[str, str, str], Interval]]:
    draws = draws[0][:, :PAIRED], draws[1][:, :PAIRED]
    both = _interval(overlap_and_divergence(one[:PAIRED], reference[:PAIRED]), draws)
    yield (group, name, "overlap"), replace(both[0], high=min(both[0].high, 1.0))
    yield (group, name, "divergence"), both[1]


def wasserstein(values: Floats, reference: Floats) -> Metric:
    """The Wasserstein distance of values (melodies,) from a reference's, for draws: see the conventions."""
    both = np.concatenate([values, reference])
    order = np.argsort(both, kind="stable")
    steps = np.diff(both[order])
    is_mine = order < len(values)

    def scores(mine: Floats, theirs: Floats) -> Floats:
        here = np.zeros((len(mine), len(both)))
        here[:, is_mine] = (mine / mine.sum(axis=1, keepdims=True))[:, order[is_mine]]
        here[:, ~is_mine] -= (theirs / theirs.sum(axis=1, keepdims=True))[:, order[~is_mine] - len(values)]
        return np.asarray(np.abs(np.cumsum(here, axis=1)[:, :-1]) @ steps)

    return scores


def jensen_shannon(values: Floats, reference: Floats) -> Metric:
    """The Jensen-Shannon divergence in bits of shares (melodies, things), for draws: see the conventions."""

    def scores(mine: Floats, theirs: Floats) -> Floats:
        one = mine @ values / mine.sum(axis=1, keepdims=True)
        other = theirs @ reference / theirs.sum(axis=1, keepdims=True)
        middle = (one + other) / 2
        parts = [each * np.log2(np.where(each > 0, each, 1) / np.where(each > 0, middle, 1)) for each in (one, other)]
        return np.asarray(np.maximum((parts[0] + parts[1]).sum(axis=1) / 2, 0))

    return scores


def frechet(values: Floats, reference: Floats) -> Metric:
    """The squared Frechet distance of figures (melodies, figures), NaN where unknown, for draws."""
    known = ~np.isnan(reference).all(axis=0)
    centre = np.nanmean(reference[:, known], axis=0)
    deviation = np.nanstd(reference[:, known], axis=0)
    scale = np.where(deviation > 1e-12, deviation, 1)
    apart = (np.nan_to_num((each[:, known] - centre) / scale) for each in (values, reference))
    one, other = (np.clip(each, -FARTHEST, FARTHEST) for each in apart)

    def scores(mine: Floats, theirs: Floats) -> Floats:
        (mean, spread), (other_mean, other_spread) = _moments(one, mine), _moments(other, theirs)
        # the trace of the root of a product of covariances, from its eigenvalues, which are real and not negative
        roots = np.sqrt(np.maximum(np.linalg.eigvals(spread @ other_spread).real, 0)).sum(axis=1)
        traces = np.trace(spread + other_spread, axis1=1, axis2=2)
        return np.asarray(np.maximum(((mean - other_mean) ** 2).sum(axis=1) + traces - 2 * roots, 0))

    return scores


def _moments(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Mean (draws, figures) and covariance (draws, figures, figures) of values (melodies, figures)."""
    share = weights / weights.sum(axis=1, keepdims=True)
    size = values.shape[1]
    mean = share @ values
    squares = share @ (values[:, :, None] * values[:, None, :]).reshape(len(values), -1)
    return mean, squares.reshape(-1, size, size) - mean[:, :, None] * mean[:, None, :]


def overlap_and_divergence(values: Floats, reference: Floats) -> Metric:
    """Overlap and divergence by Yang and Lerch of vectors (melodies, size), for draws: see the conventions."""
    within, between = _distances(reference, reference), _distances(values, reference)
    pairs = ~np.eye(len(reference), dtype=np.bool_)
    widths = [_scott(within[pairs]), _scott(between.ravel())]
    span = max(float(within.max(initial=0)), float(between.max(initial=0)))
    edge = 3 * max(widths) or 1.0  # equal melodies all: one bin, of any width
    low, bin_width = -edge, (span + 2 * edge) / _BINS
    centres = np.asarray(low + (np.arange(_BINS) + 0.5) * bin_width, np.float64)
    kernels = [_kernel(centres, max(width, bin_width / 2)) for width in widths]
    within_bin, between_bin = (((each - low) / bin_width).astype(np.int64) for each in (within, between))

    def scores(mine: Floats, theirs: Floats) -> Floats:
        found = []
        for a, b in zip(mine, theirs, strict=True):
            counts = (
                np.bincount(within_bin.ravel(), (np.outer(b, b) * pairs).ravel(), _BINS),
                np.bincount(between_bin.ravel(), np.outer(a, b).ravel(), _BINS),
            )
            found.append([each @ kernel for each, kernel in zip(counts, kernels, strict=True)])
        densities = np.array(found)
        densities /= np.maximum(densities.sum(axis=2, keepdims=True), 1e-300)
        intra, inter = densities[:, 0], densities[:, 1]
        overlap = np.minimum(intra, inter).sum(axis=1)
        floor = 1e-10
        divergence = (intra * np.log((intra + floor) / (inter + floor))).sum(axis=1)
        return np.stack([overlap, np.maximum(divergence, 0)], axis=1)

    return scores


def _distances(one: Floats, other: Floats) -> Floats:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _scott(values: Floats) -> float:
    return float(values.std() * len(values) ** -0.2) if len(values) else 0.0


def _kernel(centres: Floats, width: float) -> Floats:
    """(bins, bins) how what is in a bin is spread over all."""
    kernel = np.exp(-0.5 * ((centres[:, None] - centres) / width) ** 2)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


def shares(one: Sequence[dict[Hashable, int]], other: Sequence[dict[Hashable, int]]) -> tuple[Floats, Floats]:
    """Counts of things by melody as shares of each melody, in columns that both sets have in common."""
    columns: dict[Hashable, int] = {}
    for counts in (*one, *other):
        for thing in counts:
            columns.setdefault(thing, len(columns))
    tables = []
    for several in (one, other):
        table = np.zeros((len(several), len(columns)))
        for row, counts in enumerate(several):
            table[row, [columns[thing] for thing in counts]] = list(counts.values())
        tables.append(table / np.maximum(table.sum(axis=1, keepdims=True), 1))
    return tables[0], tables[1]


def _weights(size: int, draws: int, random: np.random.Generator) -> Floats:
    """(1 + draws, size) how often each melody is drawn; in the first row once each."""
    drawn = random.multinomial(size, np.full(size, 1 / size), draws).astype(np.float64)
    return np.concatenate([np.ones((1, size)), drawn])


def _interval(metric: Metric, draws: tuple[Floats, Floats]) -> list[Interval]:
    """The scores of a metric, with intervals over the draws; NaN where a set has nothing to compare."""
    mine, theirs = draws
    if not mine.shape[1] or not theirs.shape[1]:
        return [UNKNOWN] * 2
    drawn = (mine.sum(axis=1) > 0) & (theirs.sum(axis=1) > 0)
    scores = metric(mine[drawn], theirs[drawn]).reshape(int(drawn.sum()), -1)
    several = min(mine.shape[1], theirs.shape[1]) > 1 and len(scores) > 2
    return [_of_draws(column, several) for column in scores.T]


def _of_draws(scores: Floats, several: bool) -> Interval:
    value, drawn = float(scores[0]), scores[1:]
    if not several:
        return Interval(value, *[float("nan")] * 3)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - drawn.mean() + value
    return Interval(value, max(float(low), 0.0), float(high), float(drawn.std(ddof=1)))
