"""Does adversarial training help? Quality against diversity over temperatures, compared with two controls.

    python benchmarks/adversarial.py runs/hybrid runs/hybrid-policy runs/hybrid-gumbel --continued runs/hybrid-further

Each model continues the first bars of the same held-out tunes (test split), at each temperature. The curves are
those of the likelihood model; of the same model trained on by likelihood for about as long; of the best of several
continuations by the critic of the first adversarial run, without training; and of the adversarial runs. They are
judged by critics that were not used in any training (`_quality_diversity`). Writes a picture and a JSON file; melodies
that were generated before are taken from the folder, so that an interrupted run goes on.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from _quality_diversity import Point, draw, quality_diversity
from melodysynthesis import corpora
from melodysynthesis.evaluation import plotting
from melodysynthesis.formats import files
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.onnx import OnnxEngine

TEMPERATURES = (0.6, 0.8, 1.0, 1.2, 1.4)
BARS = 2
LONGEST = 400
"""Tokens after which a melody is brought to its end: at 1.4 some would not find it."""


class Entrant(NamedTuple):
    """A model and how it is used: its run, and the run whose critic chooses among `of` continuations, if any."""

    name: str
    run: Path
    critic: Path | None = None
    of: int = 1


def opening(melody: Melody, bars: int) -> Melody | None:
    """The first bars of a melody, whole notes where it has no meter; None if little more follows."""
    bar = melody.meters[0].bar_ticks if melody.meters else 96
    end = melody.pickup + bars * bar
    notes = tuple(note for note in melody.notes if note.onset < end)
    if melody.duration < end + bar or not notes:
        return None
    duration = max(end, notes[-1].end)
    meters = tuple(meter for meter in melody.meters if meter.tick < duration)
    marks = tuple(tick for tick in melody.phrase_ends if tick < duration)
    return replace(melody, notes=notes, duration=duration, meters=meters, phrase_ends=marks)


def make(entrant: Entrant, temperature: float, primers: list[Melody], seed: int, folder: Path) -> list[Melody]:
    """Continuations of the primers, from the folder if they are there."""
    path = folder / f"{entrant.name.replace(' ', '-')}-{temperature:g}.json"
    if path.exists():
        return [melody_json.from_dict(each) for each in json.loads(path.read_text())]
    engine = OnnxEngine(entrant.run / "model.onnx", threads=1)
    request = Request(
        model=entrant.name, count=entrant.of * len(primers), seed=seed, temperature=temperature, primers=tuple(primers),
        max_steps=LONGEST, drafts=1,
    )  # fmt: skip
    made = generate(engine, request)
    if entrant.critic is not None:
        import numpy as np

        from _reranker import Reranker

        chosen = Reranker(entrant.critic).best([np.array(one.ids) for one in made], entrant.of)
        made = [made[number] for number in chosen]
    melodies = [one.melody for one in made]
    files.save(path, json.dumps([melody_json.to_dict(melody) for melody in melodies]).encode())
    return melodies


def estimator_of(run: Path) -> str:
    """How an adversarial run learned from its critic."""
    return str(json.loads((run / "config.json").read_text())["adversarial"]["estimator"])


def report(curves: dict[str, list[Point]], people: Point) -> None:
    """Print the points."""
    print(f"{'':12} {'T':>4}  {'AUC of a critic':>22}  {'distinct 8-grams':>22}  {'self-overlap':>22}  pairs")
    for name, points in [*curves.items(), ("people", [people])]:
        for point in points:
            shares = "  ".join(f"{share!s:>22}" for share in (point.auc, point.distinct, point.overlap))
            print(f"{name:12} {point.temperature:4.1f}  {shares}  {point.pairs}")


def main() -> None:
    """Generate, judge, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("likelihood", type=Path, help="run of the likelihood model")
    parser.add_argument("adversarial", type=Path, nargs="*", help="runs that went on from it against a critic")
    parser.add_argument("--continued", type=Path, help="run that went on from it by likelihood")
    parser.add_argument("--of", type=int, default=4, help="continuations that the critic chooses from")
    parser.add_argument("--melodies", type=int, default=300)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--temperatures", type=float, nargs="+", default=TEMPERATURES)
    parser.add_argument("--corpus", default=corpora.DEFAULT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("adversarial"))
    given = parser.parse_args()
    people = list(corpora.load(given.corpus).split("test"))
    primers = [cut for melody in people if (cut := opening(melody, BARS)) is not None][: given.melodies]
    entrants = [Entrant("likelihood", given.likelihood)]
    if given.continued:
        entrants.append(Entrant("continued", given.continued))
    if given.adversarial:
        entrants.append(Entrant(f"best of {given.of}", given.likelihood, given.adversarial[0], given.of))
    entrants += [Entrant(estimator_of(run), run) for run in given.adversarial]
    given.folder.mkdir(parents=True, exist_ok=True)
    work = partial(make, primers=primers, seed=given.seed, folder=given.folder)
    asked = [(entrant, temperature) for entrant in entrants for temperature in given.temperatures]
    with ProcessPoolExecutor(given.jobs, get_context("spawn")) as pool:
        made = list(pool.map(work, *zip(*asked, strict=True)))
    sets: dict[str, dict[float, list[Melody]]] = {entrant.name: {} for entrant in entrants}
    for (entrant, temperature), melodies in zip(asked, made, strict=True):
        sets[entrant.name][temperature] = melodies
    curves, human = quality_diversity(
        sets, people, pairs=given.pairs, jobs=given.jobs,
        progress=lambda done, of: print(f"{done} of {of} judged", end="\r", file=sys.stderr),
    )  # fmt: skip
    report(curves, human)
    found = {name: [point.figures() for point in points] for name, points in curves.items()}
    files.save(given.folder / "curves.json", json.dumps({**found, "people": human.figures()}, indent=1).encode())
    plotting.save(draw(curves, human), given.folder / "curves.png")


if __name__ == "__main__":
    main()
