"""The judge learns to tell two kinds of melodies, resumes exactly, and its file gives the same odds."""

import json

import numpy as np
import pytest
import torch

from melodysynthesis.encodings.judge_features import FIELDS, MAX_ROWS, rows_of
from melodysynthesis.errors import ModelError, TrainingError
from melodysynthesis.models.judge import JudgeConfig
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.judge import JUDGE_CARD, Judge, JudgeCard
from melodysynthesis.training.config import JudgeTraining
from melodysynthesis.training.judge import JudgeRun, export_judge, open_judge_run, read_rows, write_rows

SMALL = JudgeConfig(width=16, blocks=1, heads=2, hidden=16, dropout=0.0)
C_MAJOR = Key("C")
CARD_OF_TESTS = JudgeCard("event", ["songs"], "", 0, 0, "", {})


def melody(pitches, key=C_MAJOR):
    notes = tuple(Note(24 * place, 24, pitch) for place, pitch in enumerate(pitches))
    return Melody(notes, 24 * len(notes), (Meter(0, 4, 4),), key, (48, 24 * len(notes)))


def steps(random):
    return melody(60 + np.clip(np.cumsum(random.integers(-2, 3, 12)), -12, 12))


def leaps(random):
    return melody(random.integers(55, 75, 12))


def rows(kind, count, seed):
    random = np.random.default_rng(seed)
    return [rows_of(kind(random)) for _ in range(count)]


HUMAN = {"train": rows(steps, 80, 1), "validation": rows(steps, 20, 2)}


def drafts(model, count, seed):
    return rows(leaps, count, seed + len(model))


def run_in(folder, **changes):
    folder.mkdir()
    training = JudgeTraining(**{"drafts": 40, "epochs": 4, "batch_size": 8, "learning_rate": 1e-2, **changes})
    run = JudgeRun(folder, SMALL, training, ["a", "bb"], CARD_OF_TESTS)
    run.describe()
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = run_in(tmp_path_factory.mktemp("judge") / "run")
    assert run.fit(HUMAN, drafts, lambda *report: None)
    return run, export_judge(run)


def test_it_tells_tunes_from_drafts_that_it_has_not_seen(trained):
    run, _ = trained
    human, drawn = run.log_odds(rows(steps, 50, 7)), run.log_odds(rows(leaps, 50, 8))
    assert (human[:, None] > drawn).mean() > 0.9
    lines = [json.loads(line) for line in (run.folder / "history.jsonl").read_text().splitlines()]
    assert [line["round"] for line in lines] == [1, 1, 1, 1, 2, 2]


def test_its_file_gives_the_same_odds_alone_and_among_longer_melodies(trained):
    run, path = trained
    judge, random = Judge(path), np.random.default_rng(3)
    melodies = [steps(random), leaps(random), melody([60, 62, 64]), melody(random.integers(55, 75, 70))]
    found = judge.log_odds(melodies)
    assert found == pytest.approx(run.log_odds([rows_of(one) for one in melodies]), abs=0.05)  # weights in 16 bits
    assert [float(judge.log_odds([one])[0]) for one in melodies] == pytest.approx(found.tolist(), abs=1e-4)
    assert judge.card.figures.keys() == {"validation loss", "validation auc"}
    assert judge.knows("event", "songs")
    assert not judge.knows("grid", "songs") | judge.knows("event", "others")


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(trained, tmp_path, monkeypatch):
    run, _ = trained
    stopped = run_in(tmp_path / "run")
    done = []

    def interrupted(*report):
        done.append(report[0])
        if sum(line.startswith("round 1, epoch") for line in done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.fit(HUMAN, drafts, interrupted)
    again = open_judge_run(stopped.folder)
    drawn = []
    assert again.fit(HUMAN, lambda *asked: drawn.append(asked) or drafts(*asked), lambda *report: None)
    assert again.figures() == run.figures()
    assert len(drawn) == 2  # those of the second round: the first ones are in the folder


def test_rows_are_relative_to_the_tonic_and_bounded():
    random = np.random.default_rng(4)
    tune = steps(random)
    moved = tune.transpose(5, Key("F"))
    assert (rows_of(tune) == rows_of(moved)).all()
    long = rows_of(melody(random.integers(0, 128, 4 * MAX_ROWS)))
    assert len(long) == MAX_ROWS
    assert ((long >= 0) & (long < np.array(list(FIELDS.values())))).all()
    assert rows_of(Melody((), 0)).shape == (1, len(FIELDS))


def test_rows_see_what_comes_again():
    columns = list(FIELDS)
    tune = rows_of(melody([60, 62, 64, 65, 60, 62, 64, 65, 60, 62, 64, 65]))
    assert tune[:, columns.index("as bars before")].tolist() == [0] * 4 + [1] * 4 + [3] * 4
    assert tune[:, columns.index("match")].tolist()[-2:] == [6, 7]
    assert rows_of(melody([60] * 6))[:, columns.index("equal pitches")].tolist() == [0, 1, 2, 3, 4, 5]


def test_rows_come_back_from_their_file(tmp_path):
    path = tmp_path / "rows.npz"
    write_rows(path, HUMAN["train"])
    assert all((a == b).all() for a, b in zip(read_rows(path), HUMAN["train"], strict=True))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(TrainingError, match=r"rows\.npz: damaged"):
        read_rows(path)


def relabelled(path, to, **changes):
    import onnx

    proto = onnx.load(path)
    for entry in proto.metadata_props:
        entry.value = changes.get(entry.key.rpartition(".")[2], entry.value)
    onnx.save(proto, to)
    return to


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fields": "{}"}, "reads other features than this program computes"),
        ({"format": "9"}, "a judge's file of version 9, this program reads 1"),
        ({"card": "[]"}, "the card is not one"),
    ],
)
def test_a_judge_of_another_kind_is_refused(trained, tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        Judge(relabelled(trained[1], tmp_path / "other.onnx", **changes))


def test_other_files_are_no_judges(trained, tmp_path):
    from melodysynthesis.runtime.pretrained import path_of

    with pytest.raises(ModelError, match=r"2\.0 MB, a judge has at most 1"):
        Judge(path_of("transformer"))
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(trained[1].read_bytes()[:500])
    with pytest.raises(ModelError, match=r"cut\.onnx: damaged"):
        Judge(cut)
    with pytest.raises(ModelError, match="can't be read"):
        Judge(tmp_path / "none.onnx")
    assert JUDGE_CARD.startswith("melodysynthesis.judge")


def test_a_loss_that_is_not_a_number_stops_the_training(tmp_path):
    run = run_in(tmp_path / "run")
    torch.nn.init.constant_(run.network.head[0].weight, float("nan"))
    with pytest.raises(TrainingError, match="not a number any more in epoch 1 of round 1"):
        run.fit(HUMAN, drafts, lambda *report: None)
