"""The guards: each trips at its limit, says what and by how much, and not before."""

from dataclasses import replace

import pytest

from melodysynthesis.errors import TrainingError
from melodysynthesis.training.adversarial.config import AdversarialConfig, adversarial_config
from melodysynthesis.training.adversarial.objective import AdversarialFigures, guard

START = AdversarialFigures(loss=0.90, accuracy=0.7, bits_per_note=2.8, distinct_8grams=0.60, critic_accuracy=0.7)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"loss": 0.9181}, r"guard: likelihood: 0\.9181 nats per token .* 2\.0% worse than the 0\.9000"),
        ({"distinct_8grams": 0.56}, r"guard: diversity: 56\.0% .* distinct, 6\.7% fewer than the 60\.0%"),
        ({"critic_accuracy": 0.549}, r"guard: critic: it no longer tells .* accuracy 54\.9% \(limits 55% to 85%\)"),
        ({"critic_accuracy": 0.851}, r"guard: critic: it too easily tells .* accuracy 85\.1%"),
    ],
)
def test_a_figure_beyond_its_limit_is_told(changed: dict[str, float], message: str) -> None:
    import re

    assert re.search(message, guard(AdversarialConfig(), START, replace(START, **changed)))


@pytest.mark.parametrize(
    "changed",
    [
        {}, {"loss": 0.9179}, {"loss": 0.5}, {"distinct_8grams": 0.571}, {"distinct_8grams": 0.9},
        {"critic_accuracy": 0.55}, {"critic_accuracy": 0.85}, {"bits_per_note": 9.0, "accuracy": 0.0},
    ],
)  # fmt: skip
def test_within_the_limits_nothing_is_said(changed: dict[str, float]) -> None:
    assert guard(AdversarialConfig(), START, replace(START, **changed)) == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"estimator": "polizy"}, "unknown estimator 'polizy': did you mean policy"),
        ({"estimators": "policy"}, "unknown adversarial field 'estimators': did you mean estimator"),
        ({"length": 0}, "length is 0, expected at least 1"),
        ({"critic_dropout": 1.5}, "critic_dropout is 1.5, expected a number from 0 to 1"),
        ({"critic_width": 10, "critic_heads": 4}, "is not a multiple of critic_heads 4"),
        ({"last_temperature": 2.0}, "temperature can only fall"),
        ({"length": "long"}, "adversarial field length is 'long', expected a whole number"),
    ],
)
def test_a_game_that_makes_no_sense_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        adversarial_config(given)
