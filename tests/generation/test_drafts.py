"""One of several drafts is drawn by a judge's odds; without a judge all is as before."""

from collections import Counter

import numpy as np
import pytest

from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.degenerate import signs
from melodysynthesis.generation import judging, output
from melodysynthesis.generation.generate import check, generate, generate_only, generate_streaming
from melodysynthesis.generation.request import MAX_DRAFTS, Request
from melodysynthesis.live.improviser import ModelImproviser
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.judge import JudgeCard
from melodysynthesis.runtime.loading import ModelSource
from tests.fakes import TableEngine

HEADER = {"key": "G major", "meter": "3/4", "bars": 4, "pickup": 0}
RULES = {"scale": "major", "cadence": True}


class FakeJudge:
    """Gives each melody the odds of a function."""

    def __init__(self, odds, encoding="event", corpora=("none",)):
        self.odds, self.sha256, self.judged = odds, "0" * 64, []
        self.card = JudgeCard(encoding, list(corpora), "", 0, 0, "", {})

    def knows(self, encoding, corpus):
        return encoding == self.card.encoding and corpus in self.card.corpora

    def log_odds(self, melodies):
        self.judged += melodies
        return np.array([float(self.odds(melody)) for melody in melodies])


@pytest.fixture
def ships(monkeypatch):
    def put(judge):
        monkeypatch.setattr(judging, "shipped", lambda: judge)
        return judge

    return put


def highest(melody):
    return 1000.0 * max(melody.pitches)


def penalty(melody):
    return judging.PENALTY * len(signs(melody))


def melodies_of(made):
    return [one.melody for one in made]


@pytest.mark.parametrize("rules", [{}, RULES])
def test_the_draft_with_overwhelming_odds_is_drawn(ships, rules):
    judge = ships(FakeJudge(highest))
    made = generate(TableEngine("event", spread=1.0), Request(seed=3, drafts=8, **HEADER, **rules))[0]
    assert max(made.melody.pitches) == max(max(melody.pitches) for melody in judge.judged)
    assert len(judge.judged) == made.judged.drafts > 1
    assert made.judged.log_odds == highest(made.melody) - penalty(made.melody)


def test_the_first_draft_is_the_melody_without_a_judge(ships):
    judge = ships(FakeJudge(highest))
    plain = generate(TableEngine("event"), Request(seed=4, count=3, drafts=1, **HEADER))
    assert not judge.judged
    assert all(one.judged is None for one in plain)
    for one in plain:
        ships(FakeJudge(lambda melody, like=one.melody.notes: 1000.0 * (melody.notes == like)))
        drawn = generate_only(TableEngine("event"), Request(seed=4, drafts=5, **HEADER), [one.index])[0]
        assert drawn.melody == one.melody


def test_a_melody_that_nobody_would_sing_is_seldom_drawn(ships, monkeypatch):
    ships(FakeJudge(lambda melody: 0.0))
    request = Request(seed=11, count=60, drafts=8, key="G major", meter="3/4", bars=3, pickup=0)

    def share():
        made = generate(TableEngine("event", spread=2.0), request)
        return np.mean([bool(signs(one.melody)) for one in made])

    with_penalty = share()
    monkeypatch.setattr(judging, "PENALTY", 0.0)
    assert with_penalty < share() - 0.1


def test_drafts_are_drawn_in_proportion_to_their_odds(ships, monkeypatch):
    monkeypatch.setattr(judging, "PENALTY", 0.0)

    def odds(melody):
        return np.log(3.0) * (melody.notes[0].pitch % 2)

    ships(FakeJudge(odds))
    made = generate(TableEngine("event", spread=0.0), Request(seed=5, count=4000, drafts=2, bars=1, meter="1/4"))
    of = Counter(one.melody.notes[0].pitch % 2 for one in made)
    ships(None)
    plain = generate(TableEngine("event", spread=0.0), Request(seed=6, count=4000, bars=1, meter="1/4"))
    share = np.mean([one.melody.notes[0].pitch % 2 for one in plain])
    expected = share**2 + 2 * share * (1 - share) * 3 / 4  # both odd, or one of them and chosen
    assert of[1] / 4000 == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 4000) ** 0.5 + 0.02)


def test_a_melody_depends_on_seed_and_number_alone(ships):
    ships(FakeJudge(lambda melody: len(melody.notes) % 3))
    engine, request = TableEngine("event"), Request(seed=7, count=12, max_steps=150)
    made = generate(engine, request)
    assert made == generate(engine, request)
    assert [generate_only(engine, request, [index])[0] for index in (0, 5, 11)] == [made[n] for n in (0, 5, 11)]
    for one in made:
        assert one.request.drafts == judging.DRAFTS
        assert generate_only(engine, one.request, [one.index]) == [one]
    streamed = [one for one in generate_streaming(engine, request) if not hasattr(one, "kept")]
    assert sorted(streamed, key=lambda one: one.index) == made


def test_the_json_says_drafts_and_odds(ships):
    judge = ships(FakeJudge(lambda melody: 0.25))
    engine = TableEngine("event")
    source = ModelSource("table", "1" * 64, engine.card)
    made = generate(engine, Request(seed=8, **HEADER))[0]
    about = output.provenance(made, source)
    log_odds = 0.25 - penalty(made.melody)
    assert about["judge"] == {"drafts": judging.DRAFTS, "log_odds": log_odds, "sha256": judge.sha256}
    assert about["request"]["drafts"] == judging.DRAFTS
    plain = output.provenance(generate(engine, Request(seed=8, drafts=1, **HEADER))[0], source)
    assert "judge" not in plain
    assert plain["request"]["drafts"] == 1


@pytest.mark.parametrize("number", [0, MAX_DRAFTS + 1, 10_000])
def test_other_numbers_of_drafts_are_refused(number):
    with pytest.raises(RequestError, match=rf"^drafts must be a whole number from 1 to {MAX_DRAFTS}, not '{number}'$"):
        Request(drafts=number)


def test_contradictions_are_refused():
    with pytest.raises(RequestError, match="all drafts would be the same"):
        Request(temperature=0, drafts=2)
    with pytest.raises(RequestError, match="with drafts 1 it would have no effect"):
        Request(judge="some.onnx", drafts=1)


def test_a_model_that_the_judge_does_not_know_has_one_draft_unless_more_are_requested(ships):
    ships(FakeJudge(highest, corpora=["others"]))
    engine = TableEngine("event")
    assert generate(engine, Request(seed=1, **HEADER))[0].request.drafts == 1
    with pytest.raises(RequestError, match=r"no judge for this model \(encoding 'event', corpus 'none'\)"):
        check(engine, Request(drafts=2))
    ships(None)
    assert generate(engine, Request(seed=1, **HEADER))[0].judged is None


def test_a_judge_of_another_encoding_is_refused(monkeypatch):
    monkeypatch.setattr(judging, "_opened", lambda path: FakeJudge(highest))
    with pytest.raises(RequestError, match=r"mine\.onnx: this judge was trained with models of the encoding 'event'"):
        check(TableEngine("grid"), Request(judge="mine.onnx"))
    assert generate(TableEngine("event"), Request(judge="mine.onnx", seed=1, **HEADER))[0].judged is not None


@pytest.mark.parametrize("rules", [{}, {"scale": "major", "key": "G major"}])
def test_live_answers_are_drawn_among_drafts_if_they_are_requested(ships, rules):
    judge = ships(FakeJudge(highest))
    played = Melody((Note(0, 96, 67),), 96, (Meter(0, 4, 4),), Key("G"))
    plain = ModelImproviser(TableEngine("event"), Request(seed=2, meter="4/4", **rules))
    list(plain.improvise(played, 3, 1))
    assert not judge.judged
    answers = ModelImproviser(TableEngine("event"), Request(seed=2, meter="4/4", drafts=6, **rules))
    judge.judged.clear()
    notes = list(answers.improvise(played, 3, 1))
    assert notes == list(answers.improvise(played, 3, 1))
    assert len(judge.judged) > 2
    assert all(note.onset >= played.duration for note in notes)
