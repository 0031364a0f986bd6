"""`melody listen` from end to end, and its mistakes in one line each."""

import csv
import json

import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.apps.listen.database import opened
from melodysynthesis.apps.listen.store import Store, hashed
from melodysynthesis.formats import files

from .conftest import answer_all, tunes


@pytest.fixture
def folders(folder, monkeypatch):
    """Two folders of melodies in the current folder."""
    monkeypatch.delenv("MELODYSYNTHESIS_DATABASE", raising=False)
    for name in ("folk", "made"):
        (folder / name).mkdir()
        for number, melody in enumerate(tunes(5)):
            formats.write(melody, folder / name / f"{number}.mid")
    return folder


def take_part(**said):
    with opened("listening.sqlite") as engine:
        store = Store(engine)
        test = store.find(None)
        token = store.join(test)
        answer_all(store, test, token, **said)
        return token


def test_a_test_is_made_taken_and_evaluated(folders, capsys):
    assert run(["listen", "new", "folk", "ours=made", "--melodies", "4", "--ratings", "2", "--pairs", "3"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows == [f"{of}  4 melodies, 0 to 0 s long, 0 in the mean" for of in ("folk", "ours")]
    tokens = [take_part(pleasing=value) for value in (2, 3, 4)]
    assert run(["listen", "list", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told == {"name": "listening", "sets": {"folk": 4, "ours": 4}, "participants": 3, "finished": 3}
    assert run(["listen", "results", "--csv", "answers.csv", "--keep"]) == 0
    out = capsys.readouterr().out
    assert "3 took part, 3 to the end" in out
    with open("answers.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["participant"] for row in rows} == {hashed(token)[:12] for token in tokens}
    assert {row["first_set"] for row in rows} == {"folk", "ours"}
    assert run(["listen", "results", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["participants"]) == 3
    assert run(["listen", "delete", "--participant", tokens[0]]) == 0
    assert run(["listen", "delete", "--participant", hashed(tokens[1])[:12]]) == 0
    capsys.readouterr()
    assert run(["listen", "results", "--json"]) == 0
    (left,) = json.loads(capsys.readouterr().out)["participants"]
    assert left["participant"] == hashed(tokens[2])[:12]
    assert run(["listen", "delete", "--test"]) == 0
    assert run(["listen", "results"]) == 2


def test_sets_are_made_of_models_files_and_people(folders, models, capsys):
    formats.write(next(tunes(1)), "one.abc")
    arguments = ["--model", models["event"], "--people", "folk", "--melodies", "3"]
    assert run(["listen", "new", "one.abc", *arguments, "--consent", "why.txt"]) == 2
    files.save("why.txt", "Für dich.\n".encode())
    assert run(["listen", "new", "one.abc", *arguments, "--consent", "why.txt", "--title", "Hör zu"]) == 0
    with opened("listening.sqlite") as engine:
        store = Store(engine)
        test = store.find(None)
        assert test.sets == ("one", "scale-event", "folk")
        assert test.shape.sizes == (1, 3, 3)
        assert (test.consent, test.title) == ("Für dich.", "Hör zu")


def test_a_seed_makes_the_same_test(folders, models):
    for name in ("a", "b"):
        sets = ["folk", "--model", models["event"], "--melodies", "3"]
        assert run(["listen", "new", *sets, "--seed", "5", "--name", name]) == 0
    with opened("listening.sqlite") as engine:
        store = Store(engine)
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("select melody from listen_melody order by id").scalars().all()
        assert store.find("a").shape == store.find("b").shape
    assert rows[:6] == rows[6:]
    assert len(rows) == 12


def test_only_melodies_of_the_length_that_is_asked_for_are_drawn(folders):
    for number, quarters in enumerate((8, 20, 40, 80)):
        file = folders / "folk" / f"long{number}.json"
        file.write_text(f'{{"notes": [[0, 24, 60]], "duration": {24 * quarters}}}')
    assert run(["listen", "new", "folk", "--pairs", "0", "--shortest", "5", "--longest", "20"]) == 0
    with opened("listening.sqlite") as engine:
        store = Store(engine)
        assert store.find(None).shape.sizes == (2,)
        assert {store.melody(number).duration for number in (1, 2)} == {24 * 20, 24 * 40}


def test_a_score_that_lies_there_in_several_formats_is_read_once(folders, capsys):
    formats.write(next(tunes(1)), "folk/0.abc")
    (folders / "folk" / "0.json").write_text('{"not": "a melody"}')
    (folders / "folk" / "notes.txt.png").write_bytes(b"no score")
    assert run(["listen", "new", "folk", "--pairs", "0"]) == 0
    assert "5 melodies" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new"], "no melodies: give folders or files"),
        (["new", "folk"], "pairs are of two sets, and there is one"),
        (["new", "folk", "made", "--pairs", "0", "--ratings", "0"], "there is nothing to ask"),
        (["new", "folk", "nowhere"], "nowhere: no such file"),
        (["new", "folk", "empty"], "the set 'empty' has no melodies"),
        (["new", "folk", "broken"], "broken/tune.mid: "),
        (["new", "folk", "broken/tune.mid"], "broken/tune.mid: "),
        (["new", "folk", "folk=made"], "two sets are called 'folk'"),
        (["new", "folk", "made", "--consent", "broken/tune.mid"], "expected a text in UTF-8"),
        (["new", "folk", "made", "--name", " "], "--name is a text"),
        (["new", "folk", "--model", "lstn"], "did you mean lstm"),
        (["new", "folk", "--people", "esen-german"], "esen-german"),
        (["new", "folk", "silence.json"], "without notes can't be listened to"),
        (["new", "folk", "long.json"], "has no melodies of 0 to 45 s: they are 200 to 200 s long"),
        (["new", "folk", "made", "--shortest", "5"], "the set 'folk' has no melodies of 5 to 45 s"),
        (["new", "folk", "made", "--database", "broken/tune.mid"], "file is not a database"),
        (["serve"], "listening.sqlite: no such file"),
        (["results", "--database", "oracle://x"], "expected the path of an SQLite file"),
        (["delete"], "what is to be deleted"),
        (["delete", "--test", "--participant", "x"], "what is to be deleted"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(folders, capsys, arguments, message):
    for name in ("empty", "broken"):
        (folders / name).mkdir()
    (folders / "broken" / "tune.mid").write_bytes(b"MThd\xff\xfe\0\6\0")
    (folders / "silence.json").write_text('{"notes": [], "duration": 96}')
    (folders / "long.json").write_text('{"notes": [[0, 96, 60]], "duration": 9600}')
    assert run(["listen", *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.err.count("\n") == 1
    assert not (folders / "listening.sqlite").exists()
