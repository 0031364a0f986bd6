"""Quality against diversity: a copycat is undetected and not varied, noise is varied and detected."""

import math
import random

import pytest

from melodysynthesis.evaluation import theme
from melodysynthesis.evaluation.tradeoff import _first, draw, quality_diversity
from melodysynthesis.music import Key, Melody, Meter, Note

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def melody(seed: int, noise: float) -> Melody:
    """Steps along a scale; `noise` of the notes anywhere."""
    rng, degree, notes = random.Random(seed), 3, []
    for place in range(24):
        degree = min(max(degree + rng.choice((-1, 0, 1)), 0), 7)
        pitch = rng.randrange(48, 84) if rng.random() < noise else SCALE[degree]
        notes.append(Note(24 * place, 24, pitch))
    return Melody(tuple(notes), 24 * 24, (Meter(0, 4, 4),), Key("C"))


@pytest.fixture(scope="module")
def found() -> object:
    pytest.importorskip("sklearn")
    people = [melody(seed, 0.0) for seed in range(80)]
    sets = {
        "copycat": {1.0: [melody(1000 + i % 4, 0.0) for i in range(40)]},
        "model": {0.5: [melody(2000 + i, 0.05) for i in range(40)], 2.0: [melody(3000 + i, 0.8) for i in range(40)]},
    }
    told: list[tuple[int, int]] = []
    curves, human = quality_diversity(sets, people, progress=lambda *at: told.append(at))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    return curves, human


def test_warmer_is_more_varied_and_easier_to_tell(found: tuple) -> None:
    curves, _ = found
    cold, warm = curves["model"]
    assert (cold.temperature, warm.temperature) == (0.5, 2.0)
    assert cold.distinct.value < warm.distinct.value
    assert cold.overlap.value > warm.overlap.value
    assert cold.auc.value < warm.auc.value
    assert warm.auc.low > 0.9


def test_a_copycat_is_heard_by_its_diversity(found: tuple) -> None:
    curves, people = found
    (copycat,) = curves["copycat"]
    assert copycat.distinct.high < 0.5 * people.distinct.value
    assert copycat.overlap.value == 1


def test_people_can_not_be_told_from_people(found: tuple) -> None:
    _, people = found
    assert people.auc.low < 0.5 < people.auc.high
    assert math.isnan(people.temperature)


def test_the_curves_become_a_picture(found: tuple) -> None:
    curves, people = found
    drawn = draw(curves, people)
    assert [text.get_text() for text in drawn.axes[0].texts] == ["1", "0.5", "2"]
    assert theme.png(drawn).startswith(b"\x89PNG")


def test_as_many_tokens_are_compared() -> None:
    bodies = [list(range(5)), list(range(7)), list(range(9))]
    for tokens in (0, 3, 5, 8, 12, 20, 21):
        assert sum(map(len, _first(bodies, tokens))) == tokens  # type: ignore[arg-type]
