"""The sampler against exact enumeration: what it draws among the melodies that keep the rules, and how likely it says
those are.
"""

from itertools import groupby, product

import numpy as np
import pytest

from melodysynthesis.constraints.token_masks import MAX_REPEATED_NOTES
from melodysynthesis.encodings import encoding_from
from melodysynthesis.encodings.base import Header
from melodysynthesis.generation import particle_filter as smc
from melodysynthesis.generation.constrained import particles_for
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.task import for_primer
from melodysynthesis.music import Key, Meter
from tests.fakes import TableEngine

GRID = {"name": "grid", "pitches": [60, 62, 64]}
FRAME = Header(Key("C"), Meter(0, 3, 8), 0, 1)
RULES = {"rests": False, "durations": "1/2", "contour": "+ 0"}
STEPS = 6


class ToyEngine(TableEngine):
    """A table over six tokens, so that all melodies of a bar of 3/8 can be written down."""

    def __init__(self, seed: int = 3, spread: float = 1.5) -> None:
        super().__init__("grid", seed, spread)
        self.encoding = encoding_from(GRID)
        self.table = np.random.default_rng(seed).normal(0, spread, (6, 6)).astype(np.float32)


def probabilities(engine, row, first):
    """(6,) the model's probability of each token after one, among those that the grammar allows."""
    logits = engine.table[row].astype(np.float64).copy()
    if first:
        logits[[engine.encoding.ids["_"], engine.encoding.start_id]] = -np.inf
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def keeps_rules(steps):
    """Whether tokens are three eighths of which the second is higher than the first and the third is the same."""
    heads = steps[::2]
    return set(steps[1::2]) == {1} and min(heads) > 2 and heads[1] > heads[0] and heads[2] == heads[1]


def exact(engine):
    """Probability of each melody under the model alone, for those that keep the rules."""
    found = {}
    for steps in product(range(1, 6), repeat=STEPS):
        if keeps_rules(steps):
            path = (engine.encoding.start_id, *steps, engine.encoding.start_id)
            chances = [probabilities(engine, path[i], i == 0)[path[i + 1]] for i in range(STEPS + 1)]
            found[steps] = float(np.prod(chances))
    return found


def by_masking(engine, melodies):
    """What masking alone draws: at each step the model's probabilities among the tokens that lead to some melody."""
    found = {}
    for steps in melodies:
        chance = 1.0
        for place in range(STEPS):
            before = (engine.encoding.start_id, *steps)[place]
            open_ones = {other[place] for other in melodies if other[:place] == steps[:place]}
            share = probabilities(engine, before, place == 0)
            chance *= share[steps[place]] / share[sorted(open_ones)].sum()
        found[steps] = chance
    return found


def variation(a, b):
    """Total variation distance of two distributions."""
    return sum(abs(a.get(key, 0) - b.get(key, 0)) for key in {*a, *b}) / 2


def task_of(engine, **more):
    request = Request(seed=5, temperature=1, key="C", meter="3/8", bars=1, **RULES, **more)
    return request, for_primer(engine.encoding, request, FRAME, None, "")


def draw(engine, task, request, indices):
    particles = particles_for(engine, task, request, indices)
    while not particles.done:
        particles.step()
    return particles.results


def normalized(weights):
    return {key: weight / sum(weights.values()) for key, weight in weights.items()}


@pytest.mark.parametrize("seed", [3, 8])
def test_particles_draw_what_the_model_would_draw_among_melodies_that_keep_the_rules(seed):
    engine, count = ToyEngine(seed), 3000
    weights = exact(engine)
    request, task = task_of(engine, particles=32)
    drawn = draw(engine, task, request, range(count))
    assert all(one.ids[1:-1] in weights for one in drawn)
    found = {steps: sum(one.ids[1:-1] == steps for one in drawn) / count for steps in weights}
    true, masked = normalized(weights), normalized(by_masking(engine, list(weights)))
    assert variation(found, true) < 0.05
    assert variation(masked, true) > 2 * variation(found, true)


def test_the_probability_of_the_rules_is_estimated_without_bias():
    engine = ToyEngine()
    request, task = task_of(engine, particles=64)
    estimates = [np.exp(one.log_probability) for one in draw(engine, task, request, range(200))]
    assert np.mean(estimates) == pytest.approx(sum(exact(engine).values()), rel=0.05)


def test_more_particles_do_not_change_what_a_melody_is_drawn_from_but_how_well():
    engine = ToyEngine()
    true, errors = normalized(exact(engine)), []
    for count in (1, 32):
        request, task = task_of(engine, particles=count)
        drawn = draw(engine, task, request, range(2000))
        found = {steps: sum(one.ids[1:-1] == steps for one in drawn) / 2000 for steps in true}
        errors.append(variation(found, true))
    assert errors[1] < errors[0]


def test_a_melody_depends_on_its_number_and_seed_alone():
    engine = ToyEngine()
    request, task = task_of(engine)
    many = draw(engine, task, request, range(20))
    assert draw(engine, task, request, [7, 11]) == [many[7], many[11]]
    assert draw(engine, task, request, range(20)) == many
    assert draw(engine, task, request.model_copy(update={"seed": 6}), range(20)) != many


def test_temperature_0_is_the_likeliest_token_that_is_allowed_at_every_step():
    engine = ToyEngine()
    request, task = task_of(engine)
    (one,) = draw(engine, task, request.model_copy(update={"temperature": 0.0}), [0])
    particles = particles_for(engine, task, request.model_copy(update={"temperature": 0.0}), [0])
    for token in one.ids[1:]:
        tokens, likelihood = particles.stepper.rule_options()
        good = tokens[0][np.isfinite(likelihood[0])]
        assert token == good[np.argmax(particles.logits[0, good])]
        particles.step()


def test_particles_go_on_from_where_they_were_saved():
    engine = ToyEngine()
    request, task = task_of(engine)
    particles = particles_for(engine, task, request, [0])
    particles.step()
    saved = particles.save()
    before = saved["ids"].copy()
    particles.step()
    particles.restore(saved)
    assert (particles.ids == before).all()
    assert (particles.length == 1).all()


def test_particles_are_resampled_when_few_of_them_count():
    engine = ToyEngine()
    request, task = task_of(engine, particles=8)
    particles = particles_for(engine, task, request, [0])
    particles.step()
    first = particles.tokens(0)
    assert any(particles.tokens(row) != first for row in range(8))
    particles.weights[0] = [0.0, *[-50.0] * 7]
    particles.step()
    assert {particles.tokens(row)[: len(first)] for row in range(8)} == {first}
    assert smc.effective_size(particles.weights)[0] == pytest.approx(8)
    assert particles.least[0] == pytest.approx(1)


def test_particles_that_are_given_up_are_replaced_by_others():
    engine = ToyEngine()
    request, task = task_of(engine, particles=8)
    particles = particles_for(engine, task, request, [0])
    particles.step()
    first = particles.tokens(0)
    particles.give_up(np.array([particles.tokens(row) != first for row in range(8)]))
    assert {particles.tokens(row) for row in range(8)} == {first}
    assert not particles.dead.any()


@pytest.mark.parametrize(("encoding", "token"), [("event", "pitch:60"), ("grid", "60")])
def test_a_model_that_loves_one_note_does_not_loop_on_it_with_rules(encoding, token):
    request = Request(seed=1, key="C", meter="4/4", bars=24, range="A3-E4", max_leap=12, durations="1", rests=False)
    for one in generate(TableEngine(encoding).likes(token, 12.0), request.model_copy(update={"count": 2})):
        assert max(len(list(group)) for _, group in groupby(one.melody.pitches)) == MAX_REPEATED_NOTES


def test_weights():
    weights = np.log(np.array([[1.0, 1.0, 2.0, 0.0]]), where=[[True, True, True, False]], out=np.full((1, 4), -np.inf))
    assert smc.shares(weights) == pytest.approx(np.array([[0.25, 0.25, 0.5, 0]]))
    assert smc.effective_size(weights)[0] == pytest.approx(1 / (0.0625 + 0.0625 + 0.25))
    assert smc.log_mean(weights)[0] == pytest.approx(0)
    assert smc.resample(weights, np.array([0.5])).tolist() == [[0, 1, 2, 2]]
    assert smc.pick(weights, np.array([0.3])).tolist() == [1]
    dead = np.full((1, 4), -np.inf)
    assert smc.log_mean(dead)[0] == -np.inf
    assert smc.effective_size(np.zeros((1, 4)))[0] == 4


@pytest.mark.parametrize("uniform", [0.0, 0.25, 0.999999])
def test_resampling_is_systematic_each_particle_gets_its_share_rounded_up_or_down(uniform):
    weights = np.random.default_rng(1).normal(0, 2, (5, 50))
    chosen = smc.resample(weights, np.full(5, uniform))
    for row, shares in zip(chosen, smc.shares(weights), strict=True):
        assert (np.abs(np.bincount(row, minlength=50) - 50 * shares) < 1 + 1e-9).all()
