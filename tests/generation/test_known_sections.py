"""The look-ahead along sections that repeat others."""

import numpy as np
import pytest

from melodysynthesis.generation.constrained import particles_for, tasks_for
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from tests.fakes import TableEngine

FRAMES = [
    {"key": "C", "meter": "2/4", "bars": 4, "form": "AA'", "chords": "C", "range": "C4-G4", "durations": "2"},
    {"key": "C", "meter": "4/4", "bars": 8, "form": "AA'", "cadence": True, "max_leap": 5},
    {"key": "D dorian", "meter": "3/4", "bars": 12, "form": "ABA'", "cadence": True, "ties_over_bars": False},
    {"key": "G", "meter": "6/8", "bars": 8, "form": "AA'A''A'", "range": "D4-G5", "max_leap": 4},
]


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("fields", FRAMES, ids=" ".join)
def test_no_particle_dies_within_a_section_whose_rhythm_is_known(fields, encoding):
    engine = TableEngine(encoding)
    made = generate(engine, Request(**fields, seed=3, count=20, particles=1))
    assert [melody.steering.attempts for melody in made] == [1] * 20


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_a_position_in_a_repeated_section_is_as_good_as_the_best_way_on_from_it(encoding):
    engine, request = TableEngine(encoding), Request(**FRAMES[1], seed=1, particles=4)
    ((task, _),) = tasks_for(engine, request, [0])
    known, space = task.known_sections, task.look.automaton.space
    particles, checked = particles_for(engine, task, request, [0]), 0
    while not particles.done:
        stepper = particles.stepper
        inside = np.flatnonzero((stepper.tick < len(known.source)) & ~stepper.done)
        inside = inside[(known.source[stepper.tick[inside]] >= 0) & (stepper.event[inside] < 0)]
        if len(inside) and encoding == "event":
            tick, state, history = stepper.tick[inside], stepper.state[inside], stepper.history.select(inside)
            heads = stepper.may_begin(history, tick, state)
            assert ((heads > 0).any(axis=1) == np.isfinite(stepper.here(history, tick, state))).all()
            checked += len(inside)
        particles.step()
    assert space.ticks[-1] == 768
    assert checked > 0 or encoding == "grid"
