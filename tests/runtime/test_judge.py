"""The judge that ships knows the models of the German corpus, and no others."""

import pytest

from melodysynthesis.errors import RequestError
from melodysynthesis.generation.generate import check
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.judge import FILE, MAX_JUDGE_BYTES, MAX_LOG_ODDS, shipped
from melodysynthesis.runtime.loading import open_model
from melodysynthesis.runtime.pretrained import PRETRAINED, cards


def tune(pitches):
    notes = tuple(Note(24 * place, 24, pitch) for place, pitch in enumerate(pitches))
    return Melody(notes, 24 * len(notes), (Meter(0, 4, 4),), Key("G"), (24 * len(notes),))


def test_it_is_small_and_knows_the_models_of_its_corpus():
    judge = shipped()
    assert FILE.stat().st_size <= MAX_JUDGE_BYTES
    corpora = {name: card.corpus for name, card in cards().items()}
    known = {name for name in PRETRAINED if judge.knows("event", corpora[name])}
    assert known == {name for name, corpus in corpora.items() if corpus == corpora["transformer"]} >= {"transformer"}


def test_its_odds_are_finite_and_bounded():
    song = tune([67, 71, 74, 71, 72, 71, 69, 67, 69, 71, 72, 74, 72, 69, 71, 67])
    found = shipped().log_odds([song, tune([67] * 16), tune([60]), Melody((), 0)])
    assert (abs(found) <= MAX_LOG_ODDS).all()


def test_a_model_of_another_corpus_has_one_draft():
    engine = open_model("public-domain").engine
    check(engine, Request(model="public-domain", seed=1))
    with pytest.raises(RequestError, match=r"no judge for this model"):
        check(engine, Request(model="public-domain", seed=1, drafts=4))
