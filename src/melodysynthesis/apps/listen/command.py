"""`melody listen`: listening tests, from making one to its results."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melodysynthesis.apps.console import JSON_OPTION, note, progress, say, say_json, say_table
from melodysynthesis.apps.web.serving import LOOPBACK, Browser, Host, Port, listening_on, serve
from melodysynthesis.errors import MelodyError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from melodysynthesis.apps.listen.store import Store
    from melodysynthesis.music import Melody

LISTEN_PORT = 8766
DATABASE = "listening.sqlite"
CONSENT = Path(__file__).parent / "consent.txt"
MAX_TEXT_BYTES = 100_000

Database = Annotated[
    str,
    typer.Option(
        help="Where answers are kept: an SQLite file, or postgresql://...; the variable keeps a password off the line.",
        envvar="MELODYSYNTHESIS_DATABASE",
        metavar="FILE|URL",
    ),
]
ListeningTestName = Annotated[
    str | None, typer.Argument(help="Of the test; not needed where there is one only.", metavar="NAME")
]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command(epilog="Example: melody listen new --model transformer --model lstm --people essen-german")
def new(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Sets of melodies: a folder or file each, or NAME=FOLDER.", metavar="A B..."),
    ] = None,
    *,
    model: Annotated[list[str] | None, typer.Option(help="A model, whose melodies are a set; may be repeated.")] = None,
    people: Annotated[
        list[str] | None, typer.Option(help="A corpus, whose held-out tunes are a set; may be repeated.")
    ] = None,
    melodies: Annotated[int, typer.Option(help="Melodies of each set, drawn by the seed.", min=1, max=1000)] = 20,
    shortest: Annotated[float, typer.Option(help="Seconds that a melody lasts at least.", min=0)] = 0.0,
    longest: Annotated[float, typer.Option(help="Seconds that a melody lasts at most.", min=1, max=300)] = 45.0,
    ratings: Annotated[int, typer.Option(help="Melodies that each participant rates.", min=0, max=200)] = 8,
    pairs: Annotated[int, typer.Option(help="Pairs between which each participant chooses.", min=0, max=200)] = 12,
    name: Annotated[str, typer.Option(help="Of the test, for you; participants don't see it.")] = "listening",
    title: Annotated[str, typer.Option(help="Of the page.")] = "A listening test",
    consent: Annotated[
        Path | None, typer.Option(help="A text file that participants agree to, in place of the usual one.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the melodies and of who hears which.", min=0)] = 0,
    database: Database = DATABASE,
) -> None:
    """Make a listening test out of sets of melodies."""
    from melodysynthesis.apps.listen import sets as of_sets
    from melodysynthesis.apps.listen.design import Shape

    for text, most, what in ((name, 80, "name"), (title, 200, "title")):
        if not text.strip() or len(text) > most:
            raise RequestError(f"--{what} is a text of at most {most} letters")
    consent_text = _text(consent or CONSENT)
    chosen = {
        of: of_sets.chosen(of, tunes, melodies, (shortest, longest), seed)
        for of, tunes in _sets(paths or [], model or [], people or [], melodies, seed).items()
    }
    of_sets.check(map(len, chosen.values()), pairs, ratings)
    shape = Shape(tuple(map(len, chosen.values())), ratings, pairs, seed)
    if consent is None:
        known = {"people": bool(people), "models": bool(model) and not (paths and not people)}
        consent_text = of_sets.consent_of(consent_text, chosen.values(), ratings=ratings, pairs=pairs, **known)
    with _store(database, make=True) as store:
        store.make(name, chosen, shape, title=title, consent=consent_text)
    say_table([(each, f"{len(tunes)} melodies, {_seconds(tunes)}") for each, tunes in chosen.items()])
    note(f"the test {name!r} is made; begin with: melody listen serve{_where(name, database)}")


@app.command("serve", epilog="Example: melody listen serve --port 8766")
def serve_test(
    name: ListeningTestName = None,
    *,
    port: Port = LISTEN_PORT,
    host: Host = LOOPBACK,
    known_as: Annotated[
        list[str] | None, typer.Option(help="A name or address that others reach this machine by; may be repeated.")
    ] = None,
    browser: Browser = True,
    database: Database = DATABASE,
) -> None:
    """Open a listening test to participants, in the browser. Ctrl-C ends it; what was answered stays."""
    from melodysynthesis.apps.listen.api import application
    from melodysynthesis.apps.web.guard import LOCAL

    with _store(database) as store:
        test = store.find(name)
        listening = listening_on(host, port)
        app = application(store, test, hosts=(*LOCAL, host, *(known_as or [])))
        shown = (known_as or ["localhost" if host in LOCAL else host])[0]
        serve(app, listening, "listening test", shown, browser=browser, limit_concurrency=500, ws="none")


@app.command("list", epilog="Example: melody listen list")
def list_tests(database: Database = DATABASE, as_json: Annotated[bool, JSON_OPTION] = False) -> None:
    """The listening tests of a database: their sets, and how many take part."""
    from melodysynthesis.apps.listen.answers import load_answers

    rows = []
    with _store(database) as store:
        for test in map(store.find, store.names()):
            participants = load_answers(store.engine, test)
            done = sum(all(line.answer for line in participant.trials) for participant in participants)
            sizes = dict(zip(test.sets, test.shape.sizes, strict=True))
            rows.append({"name": test.name, "sets": sizes, "participants": len(participants), "finished": done})
    if as_json:
        say_json(rows)
        return
    heading = ("name", "participants", "finished", "sets")
    lines = [
        (str(row["name"]), str(row["participants"]), str(row["finished"]), ", ".join(row["sets"]))  # type: ignore[arg-type]
        for row in rows
    ]
    say_table([heading, *lines])


@app.command(epilog="Example: melody listen results --csv answers.csv")
def results(
    name: ListeningTestName = None,
    *,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write every answer here, and a codebook beside it.", metavar="FILE")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page with forest plots here.", metavar="FILE")] = None,
    may_fail: Annotated[
        int, typer.Option(help="Checks of attention that may be failed; who fails more is left out.", min=0)
    ] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Keep all participants.")] = False,
    other_melodies: Annotated[
        bool, typer.Option("--other-melodies", help="Wider intervals, for other melodies of the same sets too.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the intervals.")] = 0,
    database: Database = DATABASE,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """What a listening test has found: strength of each set by choices, mean ratings, agreement, attention."""
    from melodysynthesis.apps.listen.answers import load_answers
    from melodysynthesis.apps.listen.codebook import codebook
    from melodysynthesis.apps.listen.forest import page
    from melodysynthesis.apps.listen.report import show
    from melodysynthesis.apps.listen.results import evaluate, to_csv
    from melodysynthesis.formats import files

    with _store(database) as store:
        test = store.find(name)
        participants = load_answers(store.engine, test)
    outcome = evaluate(participants, may_fail=may_fail, keep=keep, draw_melodies=other_melodies, seed=seed)
    if csv is not None:
        files.save(csv, to_csv(participants, outcome.people).encode())
        files.save(csv.with_suffix(".codebook.csv"), codebook().encode())
    if report is not None:
        files.save(report, page(test.title, outcome).encode())
    if as_json:
        say_json({"name": test.name, **outcome.as_dict()})
    else:
        show(outcome, test.sets)
    if csv is not None:
        note(f"wrote {csv} and {csv.with_suffix('.codebook.csv')}")
    if report is not None:
        note(f"wrote {report}")


@app.command("power", epilog="Example: melody listen power --sets 3 --pairs 12 --share 0.6")
def how_many(
    *,
    sets: Annotated[int, typer.Option(help="Sets that are compared.", min=2, max=50)] = 2,
    pairs: Annotated[int, typer.Option(help="Pairs between which each participant chooses.", min=0, max=200)] = 12,
    ratings: Annotated[int, typer.Option(help="Melodies that each participant rates.", min=0, max=200)] = 8,
    share: Annotated[
        float, typer.Option(help="Share of choices of the better set that is to be found.", min=0.51, max=0.99)
    ] = 0.6,
    points: Annotated[
        float, typer.Option(help="Difference of mean ratings that is to be found, in points.", min=0.05, max=6)
    ] = 0.5,
    goal: Annotated[float, typer.Option(help="Chance of finding it.", min=0.1, max=0.99)] = 0.8,
    seed: Annotated[int, typer.Option(help="Of the simulation.", min=0)] = 0,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """How many participants a test needs, before it is made: the power of its design, by simulation."""
    from melodysynthesis.apps.listen.power import MOST_LISTENERS, needed, power

    design = {"sets": sets, "pairs": pairs, "ratings": ratings, "share": share, "points": points, "seed": seed}
    asked = {"choices": pairs, "ratings": ratings}
    fewest = {by: needed(goal, by=by, **design) if number else None for by, number in asked.items()}
    rows = [power(count, **design) for count in (5, 10, 20, 40, 80, 160)]  # type: ignore[arg-type]
    if as_json:
        say_json({"needed": fewest, "power": [row._asdict() for row in rows]})
        return
    heading = ("participants", f"found by choices ({share:.0%})", f"by ratings ({points:g} points)")
    say_table([heading, *((str(row.participants), f"{row.choices:.0%}", f"{row.ratings:.0%}") for row in rows)])
    for by, count in fewest.items():
        if asked[by]:
            say(f"a chance of {goal:.0%} by {by}: {count or f'more than {MOST_LISTENERS}'} participants")


@app.command(epilog="Example: melody listen delete --participant 3f2a9c0d51e8")
def delete(
    name: ListeningTestName = None,
    *,
    participant: Annotated[
        str | None, typer.Option(help="Delete this participant: their code, or their name in results.")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Delete the whole test, with all answers.")] = False,
    database: Database = DATABASE,
) -> None:
    """Delete all that is kept of a participant, on their request, or a whole test."""
    if (participant is None) != test:
        raise RequestError("what is to be deleted: --participant CODE, or the whole --test?")
    with _store(database) as store:
        found = store.find(name)
        if participant is not None:
            store.leave_by_name(found, participant)
            say("deleted: one participant, with all answers")
        else:
            store.remove(found)
            say(f"deleted: the test {found.name!r}, with all answers")


def _sets(
    paths: Sequence[str], models: Sequence[str], people: Sequence[str], count: int, seed: int
) -> dict[str, Sequence[Melody]]:
    """Load all melodies of the sets, by the sets' names.

    Raises:
        RequestError: if two have one name.
    """
    from melodysynthesis.apps.listen import sets

    found: dict[str, Sequence[Melody]] = {}

    def add(name: str, melodies: Sequence[Melody]) -> None:
        if name in found:
            raise RequestError(f"two sets are called {name!r}: call one by another name, such as OTHER=FOLDER")
        if not name.strip() or len(name) > 80:
            raise RequestError(f"the name of a set has 1 to 80 letters, not {name[:100]!r}")
        found[name] = melodies

    for name, path in map(sets.named, paths):
        add(name, sets.from_path(path))
    with progress("generating (sets)", len(models)) as advance:
        for number, model in enumerate(models, 1):
            add(Path(model).stem, sets.from_model(model, count, seed))
            advance(number)
    for corpus in people:
        add(Path(corpus).stem, sets.from_people(corpus))
    return found


@contextmanager
def _store(database: str, *, make: bool = False) -> Iterator[Store]:
    from melodysynthesis.apps.listen.database import opened
    from melodysynthesis.apps.listen.store import Store

    with opened(database, make=make) as engine:
        yield Store(engine)


def _seconds(melodies: Sequence[Melody]) -> str:
    from melodysynthesis.apps.listen.sets import seconds_of

    found = [seconds_of(melody) for melody in melodies]
    return f"{min(found):.0f} to {max(found):.0f} s long, {sum(found) / len(found):.0f} in the mean"


def _text(path: Path) -> str:
    """Load a text file in UTF-8.

    Raises:
        MelodyError: if it is no text, or empty.
    """
    from melodysynthesis.formats import files

    try:
        text = files.load(path, MAX_TEXT_BYTES).decode().strip()
    except UnicodeDecodeError:
        raise MelodyError(f"{path}: expected a text in UTF-8") from None
    if not text or "\0" in text:
        raise MelodyError(f"{path}: there is no text in it")
    return text


def _where(name: str, database: str) -> str:
    """Word the arguments by which the other verbs find a test. A URL is left out, as it may contain a password."""
    shown = "" if database == DATABASE else " --database ..." if "://" in database else f" --database {database}"
    return (f" {name}" if name != "listening" else "") + shown
