"""The sets of melodies of a listening test: folders and files, models, and people's tunes of a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from melodysynthesis import formats
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats import files, midi
from melodysynthesis.music import TICKS_PER_QUARTER, Melody

MAX_SETS = 20
SPARE = 2
"""How many times as many melodies a model writes as are wanted: some are too long."""


def named(argument: str) -> tuple[str, Path]:
    """The name and path of a set: ``NAME=PATH``, or a path, whose last part is the name."""
    name, equals, path = argument.partition("=")
    if equals and name and not Path(argument).exists():
        return name, Path(path)
    return files.shown(Path(argument).resolve().stem), Path(argument)


def from_path(path: Path) -> list[Melody]:
    """The melodies of a file or folder. Of a folder what is no score is passed over, and a score read once.

    Raises:
        FormatError: naming the file that can't be read.
    """
    if not path.is_dir():
        return _from_file(path)
    readable = {suffix for each in formats.FORMATS.values() if each.read for suffix in each.suffixes}
    scores: dict[str, list[Path]] = {}
    for file in sorted(each for each in path.iterdir() if each.is_file() and each.suffix.lower() in readable):
        scores.setdefault(file.stem, []).append(file)
    return [melody for several in scores.values() for melody in _from_any(several)]


def from_model(name: str, count: int, seed: int) -> list[Melody]:
    """Melodies of a model as it writes them when nothing is asked for, more than `count`."""
    from melodysynthesis.apps.opening import open_model
    from melodysynthesis.generation.generate import generate
    from melodysynthesis.generation.request import Request

    engine, _ = open_model(name)
    made = generate(engine, Request(model=name, count=SPARE * count, seed=seed))
    return [one.melody for one in made]


def from_people(corpus: str) -> Sequence[Melody]:
    """Tunes of a corpus that no model was trained on; all of a file or folder."""
    from melodysynthesis import corpora

    loaded = corpora.load(corpus)
    return loaded.split("test") if corpus in corpora.SOURCES else loaded


def chosen(name: str, melodies: Sequence[Melody], count: int, seconds: tuple[float, float], seed: int) -> list[Melody]:
    """At most `count` melodies of a set, drawn by the seed among those of a length in seconds.

    Raises:
        RequestError: if there are none, or one has no notes.
    """
    if not melodies:
        raise RequestError(f"the set {name!r} has no melodies")
    within = [melody for melody in melodies if seconds[0] <= seconds_of(melody) <= seconds[1]]
    if not within:
        found = sorted(map(seconds_of, melodies))
        told = f"{found[0]:.0f} to {found[-1]:.0f} s long; --shortest and --longest say how long they may be"
        raise RequestError(f"the set {name!r} has no melodies of {seconds[0]:g} to {seconds[1]:g} s: they are {told}")
    drawn = Random(f"{seed} {name}").sample(range(len(within)), min(count, len(within)))
    kept = [within[number] for number in sorted(drawn)]
    for melody in kept:
        if not melody.notes:
            where = f"the set {name!r}: {melody.source or 'a melody'}"
            raise RequestError(f"{where}: a melody without notes can't be listened to")
    return kept


def seconds_of(melody: Melody) -> float:
    """How long a melody sounds, at the tempo at which all are played."""
    return melody.duration / TICKS_PER_QUARTER * 60 / midi.QUARTERS_PER_MINUTE


def check(sizes: Iterable[int], pairs: int, ratings: int) -> None:
    """Refuse a test that can't be made.

    Raises:
        RequestError: saying what is missing.
    """
    sets = len(list(sizes))
    if not sets:
        raise RequestError("no melodies: give folders or files, --model or --people")
    if sets > MAX_SETS:
        raise RequestError(f"{sets} sets: at most {MAX_SETS} are compared")
    if pairs and sets < 2:
        raise RequestError("pairs are of two sets, and there is one: give another, or --pairs 0 for ratings alone")
    if not pairs and not ratings:
        raise RequestError("neither ratings nor pairs: there is nothing to ask")


def _from_file(path: Path) -> list[Melody]:
    reading = formats.read(path)
    if reading.problems:
        raise reading.problems[0]
    return reading.melodies


def _from_any(several: Sequence[Path]) -> list[Melody]:
    """The melodies of a score that lies there in several formats: of the first that can be read."""
    problems = []
    for path in several:
        try:
            return _from_file(path)
        except FormatError as problem:
            problems.append(problem)
    raise problems[0]
