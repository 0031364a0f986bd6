"""The critic can't tell two halves of one repertoire apart, tells another music, and hears neither length nor marks."""

from dataclasses import replace

import numpy as np
import pytest

from melodysynthesis import corpora
from melodysynthesis.encodings import EventEncoding
from melodysynthesis.evaluation import critic
from melodysynthesis.evaluation.common_fields import unsaid, without
from melodysynthesis.evaluation.critic import two_sample
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.ngram import train_ngram
from tests.evaluation.test_distribution import tune

pytest.importorskip("sklearn")

ODD = (0, 4, 9, 11, 15, 18, 20)
PEOPLE = [tune(seed, length=16 + seed % 12) for seed in range(60)]
STRANGE = [tune(100 + seed, scale=ODD, length=16 + seed % 12) for seed in range(30)]


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(critic, "TREES", 20)


def test_another_music_is_told_and_by_what():
    found = two_sample(PEOPLE[:30], STRANGE)
    assert found.auc.value > 0.95
    assert found.auc.low > 0.8
    assert found.auc.high <= 1
    assert found.pairs == 30
    assert abs(found.clues[0].higher.value - 0.5) >= abs(found.clues[-1].higher.value - 0.5)
    assert found.clues[0].name in ("Range", "Mean Interval", "Steps", "Leaps", "Interval Variability", "Pitch Range")


def test_two_halves_of_a_repertoire_are_not_told():
    found = two_sample(PEOPLE[:30], PEOPLE[30:])
    assert found.auc.low < 0.5 < found.auc.high


def test_the_critic_on_tokens_tells_another_music_and_no_two_halves():
    assert two_sample(PEOPLE[:30], STRANGE, by="tokens").auc.low > 0.8
    halves = two_sample(PEOPLE[:30], PEOPLE[30:], by="tokens")
    assert halves.auc.low < 0.5 < halves.auc.high


def test_a_seed_repeats():
    found = [two_sample(PEOPLE[:12], STRANGE[:12], 3) for _ in range(2)]
    assert repr(found[0]) == repr(found[1])  # NaN is not equal to itself


def test_pairs_are_of_equal_length():
    long = [tune(seed, length=80) for seed in range(40)]
    mixed = [*PEOPLE, *long]
    pairs = critic._paired(mixed, long[:10] + PEOPLE[:10], 0, 500)
    for real, generated in pairs:
        sizes = len(mixed[real]), len((long[:10] + PEOPLE[:10])[generated])
        assert abs(sizes[0] - sizes[1]) <= 0.1 * sizes[1]
    assert len({real for real, _ in pairs}) == len(pairs) == 20
    assert two_sample(PEOPLE, long).pairs == 0


def test_what_only_one_set_says_gives_nothing_away():
    marked = [replace(melody, phrase_ends=(melody.duration,)) for melody in PEOPLE[:30]]
    bare = [replace(melody, meters=(), key=None) for melody in PEOPLE[30:]]
    assert unsaid(marked, bare) == {"meters", "key", "phrase_ends"}
    assert without(marked, unsaid(marked, bare)) == without(PEOPLE[:30], frozenset({"meters", "key", "phrase_ends"}))
    assert unsaid(marked, []) == unsaid(marked, marked) == frozenset()
    found = two_sample(marked, bare)
    assert found.auc.low < 0.5 < found.auc.high


def test_a_melody_without_its_meters_has_no_pickup():
    with_pickup = replace(PEOPLE[0], pickup=24)
    (bare,) = without([with_pickup], frozenset({"meters"}))
    assert (bare.meters, bare.pickup) == ((), 0)
    assert (bare.notes, bare.key) == (with_pickup.notes, with_pickup.key)


def test_families_stay_in_one_part_and_parts_are_even():
    same = [tune(0, length=30)] * 4
    both = [*PEOPLE[:20], *same[:2], *STRANGE[:20], *same[2:]]
    families = critic._families(both, 22)
    assert len(set(families[[20, 21, 42, 43]])) == 1
    parts = critic._parts(families, 22, 0)
    assert len(set(parts[[20, 21, 42, 43]])) == 1
    for half in (parts[:22], parts[22:]):
        counts = np.bincount(half, minlength=critic.FOLDS)
        assert counts.min() >= 2
        assert counts.max() - counts.min() <= 4


def test_a_model_that_always_says_the_same_is_told():
    found = two_sample([tune(seed) for seed in range(40)], [tune(999)] * 40)
    assert found.auc.value > 0.9


def test_too_few_are_defined():
    assert np.isnan(two_sample(PEOPLE, STRANGE[:1]).auc.value)
    assert np.isnan(two_sample(PEOPLE, []).auc.value)


def test_progress_reaches_the_end():
    calls = []
    two_sample(PEOPLE[:15], STRANGE[:15], progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (10, 10)


@pytest.mark.slow
def test_an_ngram_of_order_three_is_told_and_people_are_not(monkeypatch):
    monkeypatch.setattr(critic, "TREES", 100)
    corpus = corpora.load()
    people = [*corpus.split("validation"), *corpus.split("test")]
    order = np.random.default_rng(0).permutation(len(people))
    one, other = [people[n] for n in order[:600]], [people[n] for n in order[600:]]
    encoding = EventEncoding()
    engine = train_ngram([encoding.encode(melody) for melody in list(corpus.split("train"))[:2000]], encoding, 3)
    made = [one.melody for one in generate(engine, Request(count=300, seed=1, temperature=1.0))]
    assert two_sample(one, made, pairs=250).auc.low > 0.9
    people_told = two_sample(one, other, pairs=250).auc
    assert people_told.low < 0.5 < people_told.high
