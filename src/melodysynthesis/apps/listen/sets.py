"""Loads the sets of melodies of a listening test: folders and files, models, and human melodies of a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from melodysynthesis import formats
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats import files
from melodysynthesis.music import DEFAULT_TEMPO, TICKS_PER_QUARTER, Melody

MAX_SETS = 20
ANSWER_SECONDS = 12
"""Time for an answer in addition to the sound, for the estimate that participants read."""
SPARE = 2
"""A model generates this many times the melodies that are needed, as some are too long."""


def named(argument: str) -> tuple[str, Path]:
    """Parse name and path of a set: ``NAME=PATH``, or a path, whose last part is the name."""
    name, equals, path = argument.partition("=")
    if equals and name and not Path(argument).exists():
        return name, Path(path)
    return files.shown(Path(argument).resolve().stem), Path(argument)


def from_path(path: Path) -> list[Melody]:
    """The melodies of a file or folder. In a folder, other files are ignored, and a score in several formats
    is read once.

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
    """Melodies of a model, without conditions and by it alone, since a judge is not there for all models.

    They are more than `count`, as some are too long.
    """
    from melodysynthesis.generation.generate import generate
    from melodysynthesis.generation.request import Request
    from melodysynthesis.runtime.loading import open_model

    engine, _ = open_model(name)
    made = generate(engine, Request(model=name, count=SPARE * count, seed=seed, drafts=1))
    return [one.melody for one in made]


def from_people(corpus: str) -> Sequence[Melody]:
    """The held-out melodies of a named corpus; all melodies of a file or folder."""
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
        lengths = f"{found[0]:.0f} to {found[-1]:.0f} s long; --shortest and --longest say how long they may be"
        raise RequestError(
            f"the set {name!r} has no melodies of {seconds[0]:g} to {seconds[1]:g} s: they are {lengths}"
        )
    drawn = Random(f"{seed} {name}").sample(range(len(within)), min(count, len(within)))
    kept = [within[number] for number in sorted(drawn)]
    for melody in kept:
        if not melody.notes:
            where = f"the set {name!r}: {melody.source or 'a melody'}"
            raise RequestError(f"{where}: a melody without notes can't be listened to")
    return kept


def consent_of(
    text: str, sets: Iterable[Sequence[Melody]], *, ratings: int, pairs: int, people: bool, models: bool
) -> str:
    """The usual consent text for a test: it says what a participant hears and does, and how long that takes.

    Args:
        text: with ``{sources}``, ``{tasks}`` and ``{minutes}``.
        sets: the melodies.
        ratings: melodies that each participant rates.
        pairs: pairs between which each chooses.
        people: whether some melodies are by people, as far as the test knows.
        models: whether some are by a model.
    """
    lengths = [seconds_of(melody) for melodies in sets for melody in melodies]
    usual = sum(lengths) / max(len(lengths), 1)
    minutes = max(1, round((ratings * (usual + ANSWER_SECONDS) + pairs * (2 * usual + ANSWER_SECONDS)) / 60))
    sources = {
        (True, True): "Some were written by people, some by a computer; you are not told which.",
        (True, False): "You are not told where each comes from.",
        (False, True): "They were written by computer programs; you are not told by which.",
        (False, False): "You are not told where each comes from.",
    }
    doing = ["say how you like them"] * (ratings > 0) + ["choose between two"] * (pairs > 0)
    return text.format(
        sources=sources[people, models],
        tasks=f"You {', and '.join(doing)}.",
        minutes=f"{minutes} minute{'s' if minutes > 1 else ''}",
    )


def seconds_of(melody: Melody) -> float:
    """Duration of a melody in seconds, at the tempo of all sounds."""
    return melody.duration / TICKS_PER_QUARTER * 60 / DEFAULT_TEMPO


def check(sizes: Iterable[int], pairs: int, ratings: int) -> None:
    """Check that a test can be made of sets of these sizes.

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
    """Read the melodies of a score that exists in several formats, from the first readable file."""
    problems = []
    for path in several:
        try:
            return _from_file(path)
        except FormatError as problem:
            problems.append(problem)
    raise problems[0]
