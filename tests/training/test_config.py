from dataclasses import asdict, fields, replace

import pytest

from melodysynthesis.configuration import field_help
from melodysynthesis.errors import TrainingError
from melodysynthesis.models.lstm import LSTMConfig
from melodysynthesis.training.config import (
    CHOICES,
    PRESETS,
    TrainingConfig,
    learning_rate,
    training_config,
)


@pytest.mark.parametrize("config", [TrainingConfig, LSTMConfig])
def test_every_field_is_documented(config: type) -> None:
    documented = field_help(config)
    assert sorted(documented) == sorted(field.name for field in fields(config))
    assert all(text.endswith(".") and "\n" not in text for text in documented.values())


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_json(name: str) -> None:
    assert training_config(asdict(PRESETS[name])) == training_config(name) == PRESETS[name]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, "epochs is 0, expected at least 1"),
        ({"epochs": float("nan")}, "epochs is nan"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
        ({"schedule": "one-cicle"}, "unknown schedule 'one-cicle': did you mean one-cycle"),
        ({"precision": "16-mixed"}, "unknown precision"),
        ({"learning_rate": 1e-6}, "learning_rate 1e-06 is not above lowest_rate"),
        ({"warm_up": 4000}, "warm_up is 4000, expected a share below 1"),
        ({"accumulate": 64}, "batch_size 32 is too small: 1 devices with accumulate 64 need at least 64"),
        ({"epoch": 3}, "unknown training field 'epoch': did you mean epochs"),
        ({"epochs": "many"}, "training field epochs is 'many', expected a whole number"),
        ("bass", "unknown training preset 'bass'"),
    ],
)
def test_nonsense_is_told(given: dict[str, object] | str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        training_config(given)


@pytest.mark.parametrize("schedule", CHOICES["schedule"])
def test_a_rate_stays_between_floor_and_top(schedule: str) -> None:
    config = TrainingConfig(schedule=schedule, warm_up=40 if schedule == "inverse-sqrt" else 0.1)
    rates = [learning_rate(config, step / 1000, step, step // 100) for step in range(1001)]
    assert config.lowest_rate <= min(rates)
    assert max(rates) == pytest.approx(config.learning_rate, rel=1e-3)


def test_one_cycle_rises_and_falls_to_the_floor() -> None:
    config = TrainingConfig(learning_rate=1.0, lowest_rate=0.0, warm_up=0.2)
    assert [learning_rate(config, at, 0) for at in (0, 0.1, 0.2, 0.6, 1)] == pytest.approx([0.04, 0.52, 1, 0.5, 0])


def test_inverse_sqrt_is_the_transformers() -> None:
    config = TrainingConfig(schedule="inverse-sqrt", warm_up=100, learning_rate=1.0)
    assert learning_rate(config, 0, 49) == 0.5
    assert learning_rate(config, 0, 399) == 0.5


def test_plateau_falls_by_its_factor() -> None:
    config = replace(PRESETS["original"], learning_rate=1e-3)
    assert [learning_rate(config, 0, 0, falls) for falls in range(4)] == pytest.approx([1e-3, 2e-4, 4e-5, 1e-5])
