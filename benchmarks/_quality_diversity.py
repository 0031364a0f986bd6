"""Quality against diversity: what a model gives up of one for the other as its temperature rises.

Any model writes safer melodies when it is colder, and more varied ones when it is warmer. One model is better than
another only where its whole curve is (Caccia et al., "Language GANs Falling Short", ICLR 2020).

Quality is the AUC of a critic that was trained on these and human melodies alone (`evaluation.critic`): 0.5 if they
can't be told apart. Diversity is the share of distinct runs of `event` tokens (`evaluation.diversity`), over as many
tokens for all points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from melodysynthesis.encodings import Ids, encoding_from
from melodysynthesis.errors import EncodingError
from melodysynthesis.evaluation import plotting
from melodysynthesis.evaluation.critic import PAIRS, TwoSampleTest, two_sample
from melodysynthesis.evaluation.diversity import NGRAM, distinct_ngrams, ngrams
from melodysynthesis.evaluation.statistics import Interval, bootstrap_mean
from melodysynthesis.music import Melody

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Work = TypeVar("Work")
Result = TypeVar("Result")
Sets = Mapping[str, Mapping[float, Sequence[Melody]]]
"""Name of a model -> temperature -> its melodies."""

COLOURS = ("#1c2733", "#5b7fa6", "#2a7f62", "#c8551b", "#8a5ba6", "#a68a2a")


@dataclass(frozen=True, slots=True)
class Point:
    """A model at a temperature.

    Attributes:
        temperature: NaN for people.
        auc: of the critic; the nearer to 0.5 the better.
        distinct: share of distinct 8-grams; the larger the more varied.
        overlap: share of a melody's 8-grams that stand in another one of the set.
        pairs: melodies of each side that the critic compared.
    """

    temperature: float
    auc: Interval
    distinct: Interval
    overlap: Interval
    pairs: int

    def figures(self) -> dict[str, object]:
        """For JSON."""
        shown = {name: getattr(self, name).figures() for name in ("auc", "distinct", "overlap")}
        return {"temperature": self.temperature, **shown, "pairs": self.pairs}


def quality_diversity(
    sets: Sets,
    people: Sequence[Melody],
    *,
    pairs: int = PAIRS,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[dict[str, list[Point]], Point]:
    """The curve of each model, by rising temperature, and where people are.

    Args:
        sets: melodies of each model at each temperature, as many in each.
        people: melodies that no model has learned from; halves of them beside each other show what is no difference.
        pairs: that each critic compares at most.
        seed: of critics and intervals.
        jobs: processes; each point is judged in one.
        progress: told how many of the points are done, and of how many.

    Raises:
        RequestError: without scikit-learn.
    """
    places = [(name, at) for name, curve in sets.items() for at in sorted(curve)]
    asked = [(people, sets[name][at]) for name, at in places] + [(people[::2], people[1::2])]
    told: list[TwoSampleTest] = []
    for one in _in_processes(partial(_told, seed=seed, pairs=pairs), asked, jobs):
        told.append(one)
        progress(len(told), len(asked))
    bodies = [_bodies(melodies) for melodies in (*(sets[name][at] for name, at in places), people)]
    tokens = min(sum(map(len, each)) for each in bodies)
    curves: dict[str, list[Point]] = {name: [] for name in sets}
    for (name, at), one, each in zip(places, told, bodies, strict=False):
        curves[name].append(_point(at, one, _first(each, tokens)))
    return curves, _point(float("nan"), told[-1], _first(bodies[-1], tokens))


def _told(both: tuple[Sequence[Melody], Sequence[Melody]], seed: int, pairs: int) -> TwoSampleTest:
    return two_sample(*both, seed, pairs=pairs)


def _point(temperature: float, told: TwoSampleTest, bodies: list[Ids]) -> Point:
    return Point(temperature, told.auc, distinct_ngrams(bodies), self_overlap(bodies), told.pairs)


def _in_processes(work: Callable[[Work], Result], asked: Sequence[Work], jobs: int) -> Iterator[Result]:
    """Results in order, each made in one of so many processes; one job is this process."""
    if jobs == 1:
        yield from map(work, asked)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        yield from pool.map(work, asked)


def draw(curves: Mapping[str, Sequence[Point]], people: Point, title: str = "Quality against diversity") -> Figure:
    """A curve for each model, its temperatures beside it, with the 95 % intervals of the critic."""
    with plotting.styled():
        drawn = plotting.figure(8.0, 5.2)
        axes = drawn.subplots()
        drawn.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        for (name, points), colour in zip(curves.items(), COLOURS * len(curves), strict=False):
            x, y = [point.distinct.value for point in points], [point.auc.value for point in points]
            low, high = ([abs(end - point.auc.value) for end, point in zip(ends, points, strict=True)] for ends in (
                [point.auc.low for point in points], [point.auc.high for point in points],
            ))  # fmt: skip
            axes.errorbar(x, y, (low, high), color=colour, marker="o", capsize=3, elinewidth=1, label=name)
            for point in points:
                axes.annotate(
                    f"{point.temperature:g}", (point.distinct.value, point.auc.value), xytext=(5, 4),
                    textcoords="offset points", fontsize=8, color=colour,
                )  # fmt: skip
        axes.axvline(people.distinct.value, color=plotting.QUIET, linewidth=1, linestyle=":")
        axes.plot(
            [people.distinct.value], [people.auc.value], "*", color=plotting.HIGHLIGHT, markersize=12, label="people"
        )
        axes.set_xlabel("distinct 8-grams (share): more varied to the right")
        axes.set_ylabel("AUC of a critic: harder to tell from people below")
        axes.legend(loc="best")
    return drawn


def _bodies(melodies: Sequence[Melody]) -> list[Ids]:
    """The tokens of each melody's notes; what `event` can't say is left out."""
    encoding, bodies = encoding_from({"name": "event"}), list[Ids]()
    for melody in melodies:
        try:
            bodies.append(encoding.body(melody))
        except EncodingError:
            continue
    return bodies


def _first(bodies: list[Ids], tokens: int) -> list[Ids]:
    """The first melodies that have so many tokens together, the last of them cut."""
    ends = np.cumsum([len(body) for body in bodies])
    whole = int(np.searchsorted(ends, tokens, "right"))
    rest = tokens - (int(ends[whole - 1]) if whole else 0)
    return [*bodies[:whole], *([bodies[whole][:rest]] if rest and whole < len(bodies) else [])]


def self_overlap(melodies: Sequence[Ids], n: int = NGRAM) -> Interval:
    """Share of a melody's distinct runs of n tokens that occur in another melody too, the mean over melodies.

    Melodies of fewer than n tokens are left out; NaN where all are.
    """
    runs = [set(ngrams(melody, n)) for melody in melodies]
    heard = Counter(run for melody in runs for run in melody)
    return bootstrap_mean([sum(heard[run] > 1 for run in melody) / len(melody) for melody in runs if melody])
