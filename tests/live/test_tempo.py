import numpy as np
import pytest

from melodysynthesis.live.messages import (
    Control,
    NoteOff,
    NoteOn,
    SongPosition,
    Transport,
    parse,
    silences,
)
from melodysynthesis.live.tempo import ClockFollower, Tempo, seconds_per_tick


def test_a_quarter_has_24_ticks():
    assert seconds_per_tick(100) == pytest.approx(0.025)
    tempo = Tempo(10.0, 48.0, seconds_per_tick(60))
    assert tempo.tick_at(11.0) == pytest.approx(72)
    assert tempo.time_at(72) == pytest.approx(11.0)
    assert tempo.moved(5).tick_at(16.0) == pytest.approx(72)


def follow(times, guess=100.0):
    follower = ClockFollower(guess)
    follower.start(0)
    for time in times:
        follower.pulse(time)
    return follower


def test_pulses_with_jitter_are_smoothed():
    """After four quarters the place is known to a third of the jitter."""
    random, spacing = np.random.default_rng(1), seconds_per_tick(140)
    errors = []
    for _ in range(30):
        true = np.arange(96) * spacing
        follower = follow(true + np.abs(random.normal(0, 0.002, 96)))
        errors.append((follower.tempo.tick_at(true[-1] + spacing) - 96) * spacing)
    late = 0.002 * np.sqrt(2 / np.pi)  # the mean of what pulses come late by
    assert np.std(np.array(errors) - late) < 0.0009
    assert follower.tempo.seconds_per_tick == pytest.approx(spacing, rel=0.02)


def test_a_ritardando_is_followed():
    spacing = np.concatenate([np.full(96, 0.020), np.linspace(0.020, 0.030, 96), np.full(96, 0.030)])
    follower = follow(np.cumsum(spacing))
    assert follower.tempo.seconds_per_tick == pytest.approx(0.030, rel=0.02)
    assert follower.tempo.tick_at(np.cumsum(spacing)[-1]) == pytest.approx(287, abs=0.5)


def test_transport():
    follower = ClockFollower(100)
    follower.pulse(0.0)
    assert follower.tempo is None  # before a start pulses say nothing
    follower.place(48)
    follower.start(None)
    follower.pulse(1.0)
    assert follower.tempo.tick_at(1.0) == 48
    follower.place(0)  # while it runs it is not moved
    follower.pulse(1.02)
    assert follower.tempo.tick == 49
    assert not follower.lost(1.5)
    assert follower.lost(2.5)
    follower.stop()
    assert follower.tempo is None
    assert not follower.lost(9.0)


def test_a_flood_of_pulses_has_a_highest_tempo():
    assert follow(np.arange(1000) * 1e-6).tempo.seconds_per_tick >= seconds_per_tick(400)


@pytest.mark.parametrize("message", [NoteOn(60, 1, 3), NoteOff(60, 15), Control(64, 127, 2)])
def test_messages_come_back_from_their_bytes(message):
    assert parse(message.to_bytes()) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([0x92, 60, 0], NoteOff(60, 2)),
        ([0xF2, 1, 2], SongPosition(257)),
        ([0xF8], Transport.CLOCK),
        ([0xE0, 0, 64], None),
        ([0xF0, 1, 0xF7], None),
        ([0x90, 60], None),
        ([0x90, 60, 200], None),
        ([60, 60, 60], None),
        ([], None),
    ],
)
def test_what_bytes_say(data, message):
    assert parse(data) == message


def test_what_orders_silence():
    assert all(map(silences, [Control(120, 0), Control(123, 0), Control(127, 0), Transport.RESET]))
    assert not any(map(silences, [Control(64, 0), Control(121, 0), NoteOff(60), Transport.STOP]))
