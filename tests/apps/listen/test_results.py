"""What answers say: those of real questions count, each once, and who does not attend is told and left out."""

import csv
import io
import json
import math
from random import Random

import pytest

from melodysynthesis.apps.listen.answers import AnsweredTrial, MelodyLabel, ParticipantAnswers, load_answers
from melodysynthesis.apps.listen.design import CHOICES, DEMANDED, PAIR, RATINGS, REAL, TWINS, Answer, Shape, trials
from melodysynthesis.apps.listen.report import show
from melodysynthesis.apps.listen.results import COLUMNS, attention, evaluate, to_csv

from .conftest import SETS, answer_all

SHAPE = Shape((12, 12, 12), ratings=6, pairs=9, seed=2)
LIKED = dict(zip(SETS, (6, 4, 2), strict=True))


def participant(number, given):
    """A participant with answers by a function of trial and names of sets."""
    lines = []
    for trial in trials(SHAPE, number):
        first, second = (
            spot and MelodyLabel(SETS[spot.set], spot.melody + 1, "=x") for spot in (trial.first, trial.second)
        )
        lines.append(AnsweredTrial(trial, first, second, given(trial, first, second), 2.0, None))
    return ParticipantAnswers(f"p{number}", None, tuple(lines))


def careful(trial, first, second):
    """Likes sets as `LIKED` says, and attends."""
    if trial.kind == PAIR:
        better = "first" if LIKED[first.set] > LIKED[second.set] else "second"
        return Answer(choice="neither" if trial.purpose == TWINS else trial.expected or better)
    value = int(trial.expected or LIKED[first.set])
    return Answer(value, 8 - value if trial.purpose != DEMANDED else value)


def careless(random):
    def given(trial, first, second):
        del first, second
        if trial.kind == PAIR:
            return Answer(choice=random.choice(CHOICES))
        return Answer(random.choice(RATINGS), random.choice(RATINGS))

    return given


@pytest.fixture(scope="module")
def crowd():
    random = Random(4)
    return [participant(n, careful) for n in range(8)] + [participant(n, careless(random)) for n in range(8, 12)]


def test_means_counts_and_strengths_are_those_of_the_careful(crowd):
    found = evaluate(crowd)
    assert [one.left_out for one in found.people] == [False] * 8 + [True] * 4
    for name in SETS:
        assert found.means["pleasing"][name].value == LIKED[name]
        assert found.means["human"][name].value == 8 - LIKED[name]
        assert found.counts[name] == 8 * SHAPE.ratings / 3
    strengths = dict(zip(found.preference.sets, (each.value for each in found.preference.strengths), strict=True))
    assert sorted(SETS, key=strengths.get, reverse=True) == list(SETS)
    assert sum(map(sum, found.preference.counts)) == 8 * SHAPE.pairs
    assert found.preference.ties == 0


def test_those_who_agree_have_an_alpha_of_one(crowd):
    found = evaluate(crowd)
    for what in ("pleasing", "human", "choice"):
        alpha, units = found.agreement[what]
        assert alpha.value == pytest.approx(1)
        assert units > 5


def test_who_fails_checks_is_told_and_kept_if_asked_for(crowd):
    people = attention(crowd)
    assert all(len(one.checks) == 4 for one in people)
    assert all(not one.failed for one in people[:8])
    assert all(len(one.failed) > 1 for one in people[8:])
    kept = evaluate(crowd, keep=True)
    assert not any(one.left_out for one in kept.people)
    assert sum(kept.counts.values()) == 12 * SHAPE.ratings
    assert kept.agreement["pleasing"][0].value < 1
    assert evaluate(crowd, may_fail=4).counts == kept.counts


def test_a_check_failed_counts_for_nothing_else(crowd):
    def wrong(trial, first, second):
        said = careful(trial, first, second)
        return said if trial.purpose == REAL else Answer(choice="first") if trial.kind == PAIR else Answer(1, 7)

    changed = [participant(n, wrong) for n in range(8)]
    kept, plain = evaluate(changed, keep=True), evaluate(crowd[:8])
    assert kept.means == plain.means
    assert kept.preference == plain.preference
    assert [len(one.failed) > 1 for one in kept.people] == [True] * 8


def test_who_has_not_finished_counts_with_what_there_is(crowd):
    lines = crowd[0].trials
    half = crowd[0]._replace(trials=(*lines[:5], *(line._replace(answer=None) for line in lines[5:])))
    found = evaluate([half])
    assert found.people[0].answered == 5
    assert sum(found.counts.values()) == sum(line.trial.purpose == REAL for line in lines[:5])
    assert found.preference.sets == ()


def test_without_answers_there_are_no_results_and_no_mistakes(capsys):
    found = evaluate([])
    assert found.as_dict()["strengths"] == {}
    show(found, SETS)
    assert capsys.readouterr().out == "0 took part, 0 to the end, 0 answers; 0 left out\n"


def test_json_has_no_numbers_that_are_none(crowd):
    text = json.dumps(evaluate(crowd[:1]).as_dict(), allow_nan=False)
    assert json.loads(text)["participants"][0]["participant"] == "p0"
    full = evaluate(crowd).as_dict()
    assert full["chosen before"][SETS[0]][SETS[1]]["count"] > 0
    assert full["ratings"]["pleasing"][SETS[0]]["value"] == 6


def test_csv_has_every_answer_once_and_no_formulas(crowd):
    rows = list(csv.DictReader(io.StringIO(to_csv(crowd, attention(crowd)))))
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == sum(1 + (line.trial.kind != PAIR) for each in crowd for line in each.trials)
    assert {row["first_source"] for row in rows} == {"'=x"}
    assert sum(row["left_out"] == "1" for row in rows) == len(rows) / 3
    real = [row for row in rows if row["purpose"] == REAL and row["left_out"] == "0"]
    chosen = [row for row in real if row["question"] == "choice"]
    assert all(LIKED[row["chosen_set"]] == max(LIKED[row["first_set"]], LIKED[row["second_set"]]) for row in chosen)
    mean = [int(row["answer"]) for row in real if row["question"] == "pleasing" and row["first_set"] == SETS[0]]
    assert set(mean) == {6}
    assert all((row["passed"] == "") == (row["purpose"] == REAL) for row in rows)


def test_people_read_all_of_it(crowd, capsys):
    show(evaluate(crowd), SETS)
    said = capsys.readouterr().out
    assert "12 took part, 12 to the end" in said
    assert "p8: failed" in said
    assert [line.split()[0] for line in said.splitlines() if line.startswith(SETS)] == list(SETS)
    assert "agreement on pleasing: Krippendorff's alpha 1.00" in said


def test_what_is_in_the_database_is_what_is_evaluated(store, test):
    for value in (2, 5):
        answer_all(store, test, store.join(test), pleasing=value, human=7)
    found = evaluate(load_answers(store.engine, test), keep=True)
    means = [mean.value for mean in found.means["pleasing"].values()]
    assert means == [3.5] * len(SETS)
    assert not any(math.isnan(mean.value) for mean in found.means["human"].values())
    rows = list(csv.DictReader(io.StringIO(to_csv(load_answers(store.engine, test), found.people))))
    assert rows[0]["answered_at"].endswith("+00:00")
