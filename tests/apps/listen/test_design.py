"""Balanced, seeded, blind to nothing that matters: laws of who hears what."""

from collections import Counter
from itertools import combinations, permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.apps.listen.design import (
    CHOICES,
    DEMANDED,
    NEITHER,
    PAIR,
    RATING,
    RATINGS,
    REAL,
    REPEAT,
    TWINS,
    Answer,
    ListeningTrial,
    Shape,
    Spot,
    passed,
    trials,
)

SHAPES = st.builds(
    Shape,
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=5).map(tuple),
    ratings=st.integers(0, 9),
    pairs=st.integers(0, 14),
    seed=st.integers(0, 2**40),
)


def real(shape, participant, kind):
    return [trial for trial in trials(shape, participant) if trial.purpose == REAL and trial.kind == kind]


@given(SHAPES, st.integers(0, 500))
def test_a_participant_hears_what_was_asked_for_ratings_first(shape, participant):
    made = trials(shape, participant)
    assert made == trials(shape, participant)
    assert len(real(shape, participant, RATING)) == shape.ratings
    assert len(real(shape, participant, PAIR)) == shape.pairs
    kinds = [trial.kind for trial in made]
    assert kinds == sorted(kinds, key=[RATING, PAIR].index)
    for trial in made:
        for spot in filter(None, (trial.first, trial.second)):
            assert 0 <= spot.melody < shape.sizes[spot.set]


@given(SHAPES, st.integers(1, 40))
def test_sets_and_pairs_of_sets_are_heard_equally_often_in_both_orders(shape, participants):
    everything = [trial for n in range(participants) for trial in trials(shape, n) if trial.purpose == REAL]
    sets = range(len(shape.sizes))
    rated = Counter(trial.first.set for trial in everything if trial.kind == RATING)
    ordered = Counter((trial.first.set, trial.second.set) for trial in everything if trial.kind == PAIR)
    couples = [ordered[one, other] + ordered[other, one] for one, other in combinations(sets, 2)]
    for counts in ([rated[one] for one in sets], [ordered[pair] for pair in permutations(sets, 2)], couples):
        assert max(counts) - min(counts) <= 1


@given(SHAPES, st.integers(0, 60))
def test_nobody_hears_a_melody_twice_where_there_are_enough(shape, participant):
    demand = Counter()
    heard = Counter()
    for trial in trials(shape, participant):
        for spot in filter(None, (trial.first, trial.second)):
            if trial.purpose == REAL:
                demand[spot.set] += 1
                heard[spot] += 1
    for number, size in enumerate(shape.sizes):
        if demand[number] <= size:
            assert all(count == 1 for spot, count in heard.items() if spot.set == number)


def test_checks_are_of_melodies_not_heard_otherwise_but_for_the_repeated_one():
    shape = Shape((20, 20, 20), ratings=8, pairs=12, seed=1)
    for participant in range(30):
        made = trials(shape, participant)
        assert Counter(trial.purpose for trial in made) == {REAL: 20, DEMANDED: 2, REPEAT: 1, TWINS: 1}
        assert made[0].purpose == REAL
        heard = Counter(s for t in made if t.purpose not in (REPEAT, TWINS) for s in (t.first, t.second) if s)
        assert set(heard.values()) == {1}
        (repeat,) = (number for number, trial in enumerate(made) if trial.purpose == REPEAT)
        (first,) = (number for number, trial in enumerate(made[:repeat]) if trial.first == made[repeat].first)
        assert repeat - first > 4
        (twins,) = (trial for trial in made if trial.purpose == TWINS)
        assert twins.first == twins.second
        assert twins.first not in heard


@pytest.mark.parametrize("sizes", [(20, 20), (20, 20, 20), (20, 20, 20, 20, 20), (12, 30, 7)])
def test_melodies_are_heard_about_equally_often_and_meet_again(sizes):
    shape = Shape(sizes, ratings=8, pairs=12, seed=3)
    paired, rated, met = Counter(), Counter(), Counter()
    for participant in range(60):
        for trial in trials(shape, participant):
            if trial.purpose != REAL:
                continue
            (paired if trial.kind == PAIR else rated).update(filter(None, (trial.first, trial.second)))
            if trial.kind == PAIR:
                met[frozenset((trial.first, trial.second))] += 1
    for counts in (paired, rated):
        for number, size in enumerate(sizes):
            of_set = [counts[number, melody] for melody in range(size)]
            assert max(of_set) <= 1.5 * sum(of_set) / size + 1
            assert min(of_set) >= 0.5 * sum(of_set) / size - 1
    again = sum(count for count in met.values() if count > 1) / met.total()
    assert again == 1 or len(set(sizes)) > 1


def test_seeds_and_participants_differ():
    shape = Shape((9, 9), 4, 6, seed=1)
    assert trials(shape, 0) != trials(shape, 1)
    assert trials(shape, 0) != trials(Shape((9, 9), 4, 6, seed=2), 0)


def test_attentive_answers_pass_and_answers_at_random_fail():
    """Of four checks one may be failed: so nine in ten are found who do not listen."""
    shape = Shape((20, 20, 20), ratings=8, pairs=12, seed=5)
    random = Random(0)
    found = 0
    for participant in range(400):
        made = trials(shape, participant)
        careful = [passed(trial, attentive(trial), attentive(trial)) for trial in made]
        assert all(careful)
        failed = sum(not passed(trial, anything(trial, random), anything(trial, random)) for trial in made)
        found += failed > 1
    assert found > 0.9 * 400


def attentive(trial):
    if trial.kind == PAIR:
        return Answer(choice=NEITHER if trial.purpose == TWINS else trial.expected or "first")
    return Answer(int(trial.expected or 3), int(trial.expected or 6))


def anything(trial, random):
    if trial.kind == PAIR:
        return Answer(choice=random.choice(CHOICES))
    return Answer(random.choice(RATINGS), random.choice(RATINGS))


@pytest.mark.parametrize(
    ("purpose", "expected", "said", "before", "verdict"),
    [
        (DEMANDED, "3", Answer(3, 3), None, True),
        (DEMANDED, "3", Answer(3, 4), None, False),
        (DEMANDED, "second", Answer(choice="second"), None, True),
        (DEMANDED, "second", Answer(choice="neither"), None, False),
        (TWINS, None, Answer(choice="neither"), None, True),
        (TWINS, None, Answer(choice="first"), None, False),
        (REPEAT, None, Answer(5, 2), Answer(3, 4), True),
        (REPEAT, None, Answer(6, 2), Answer(3, 2), False),
        (REAL, None, Answer(1, 7), None, True),
    ],
)
def test_what_passes(purpose, expected, said, before, verdict):
    kind = PAIR if said.choice else RATING
    trial = ListeningTrial(kind, Spot(0, 0), Spot(0, 0) if said.choice else None, purpose, expected)
    assert passed(trial, said, before) is verdict
