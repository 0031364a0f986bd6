"""The original study's generated melodies beside ours and people's: who is closer to held-out human tunes?

    python benchmarks/original_melodies.py FOLDER [--model lstm] [--temperature 0.9] [--count 500] [--out scores.json]

FOLDER holds the study's NAME_outputs.txt, one melody of grid tokens a line. Ours are generated here; an n-gram of order
3 stands for a poor model. Grid text says neither meter nor key nor phrases, so nobody's are looked at; and of all sets
only melodies count whose notes have the durations that the study kept. People are the validation and test tunes of
`essen-german`, in two halves: one is the reference, the other shows what people score. All sets are of one size.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from melodysynthesis import corpora, formats
from melodysynthesis.encodings.base import Encoding, Ids
from melodysynthesis.errors import EncodingError
from melodysynthesis.evaluation.common_fields import MARKS, without
from melodysynthesis.evaluation.comparison import HumanReference, ScoreRow, SetComparison
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.formats import files
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import TICKS_PER_QUARTER, Melody
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.ngram import train_ngram

STUDY_QUARTERS = (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4)
STUDY_TICKS = frozenset(int(TICKS_PER_QUARTER * quarters) for quarters in STUDY_QUARTERS)
MORE = 2
"""So many times the melodies are generated, since some have other durations."""


def main() -> None:
    """Print a table of sets, and one of the 17 descriptors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=pretrained.DEFAULT)
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    corpus = corpora.load()
    panel = HumanReference(kept([*corpus.split("validation"), *corpus.split("test")]), seed=asked.seed)
    engine = pretrained.load(asked.model)
    sets = {f"study: {path.stem.removesuffix('_outputs')}": formats.read(path).melodies for path in texts(asked.folder)}
    sets[f"ours: {asked.model} at {asked.temperature:g}"] = made(engine, asked.count, asked.temperature, asked.seed)
    order3 = train_ngram(sequences(engine.encoding, corpus.split("train")), engine.encoding, 3)
    sets["n-gram, order 3"] = made(order3, asked.count, 1.0, asked.seed)
    judged = []
    for name, melodies in sets.items():
        whole = kept(melodies)
        print(f"{name}: {len(whole):,} of {len(melodies):,} have the study's durations", flush=True)
        judged.append(panel.compare(whole[: asked.count], name))
    print(f"\n{len(panel.people):,} human tunes; the reference is {judged[0].reference}\n")
    print("\n".join(table(judged)))
    print()
    print("\n".join(descriptors(judged)))
    for one in judged:
        told = ", ".join(f"{clue.name} {clue.higher}" for clue in (one.critic.clues if one.critic else ())[:6])
        print(f"\n{one.name} is known by (chance that its figure is higher than people's): {told}")
    if asked.out:
        files.save(asked.out, json.dumps([one.as_dict() for one in judged], indent=1).encode())


def texts(folder: Path) -> list[Path]:
    """The study's files."""
    return sorted(folder.glob("*_outputs.txt"))


def kept(melodies: Sequence[Melody]) -> list[Melody]:
    """Melodies with two notes or more, all of the study's durations, without what grid text does not say."""
    fitting = [one for one in melodies if STUDY_TICKS.issuperset(note.duration for note in one.notes) and len(one) > 1]
    return without(fitting, MARKS)


def made(engine: Engine, count: int, temperature: float, seed: int) -> list[Melody]:
    """Generated melodies."""
    asked = Request(count=MORE * count, temperature=temperature, seed=seed, drafts=1)
    return [one.melody for one in generate(engine, asked)]


def sequences(encoding: Encoding, melodies: Sequence[Melody]) -> list[Ids]:
    """Ids of the melodies that can be said."""
    found: list[Ids] = []
    for melody in melodies:
        try:
            found.append(encoding.encode(melody))
        except EncodingError:
            continue
    return found


def table(judged: Sequence[SetComparison]) -> list[str]:
    """Markdown, a row a set; people's first."""
    columns = {
        "critic AUC": ("critic", "", "auc"),
        "Frechet, 17 descriptors": ("all", "17 descriptors", "frechet"),
        "Frechet, all figures": ("all", "all figures", "frechet"),
        "intervals, bits": ("profiles", "Intervals", "jensen_shannon"),
        "interval triples, bits": ("profiles", "Interval Triples", "jensen_shannon"),
        "duration triples, bits": ("profiles", "Duration Triples", "jensen_shannon"),
        "notes foretold": ("figures", "Notes Foretold", "mean"),
    }
    lines = [f"| set | descriptors outside | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    people = [said(judged[0].find(*place), people=True) for place in columns.values()]
    lines.append(f"| people |  | {' | '.join(people)} |")
    for one in judged:
        cells = [said(one.find(*place)) for place in columns.values()]
        lines.append(f"| {one.name} | {len(one.outside())} of 17 | {' | '.join(cells)} |")
    return lines


def descriptors(judged: Sequence[SetComparison]) -> list[str]:
    """Markdown, a row a descriptor: Wasserstein distances from people, and people's own."""
    lines = [f"| Wasserstein | people | {' | '.join(one.name for one in judged)} |", "|---" * (len(judged) + 2) + "|"]
    for name in NAMES:
        rows = [one.find("figures", name, "wasserstein") for one in judged]
        lines.append(f"| {name} | {said(rows[0], people=True)} | {' | '.join(map(said, rows))} |")
    return lines


def said(row: ScoreRow, people: bool = False) -> str:
    """A score with its interval."""
    value, low, high = row[6:9] if people else row[3:6]
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"


if __name__ == "__main__":
    main()
