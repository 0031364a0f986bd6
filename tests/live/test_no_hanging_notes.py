"""Whatever happens, each note-on is followed by its note-off, at the latest by panic or stop."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.live.commands import AnswerRequest
from melodysynthesis.live.messages import NoteOff, NoteOn, Transport, parse
from melodysynthesis.live.player import Player
from melodysynthesis.live.settings import MAX_ANSWER_BARS, LiveSettings
from melodysynthesis.music import Meter, Note
from tests.live.simulation import Scale, Synthesizer

settings = st.builds(
    LiveSettings,
    tempo=st.sampled_from((20.0, 100.0, 400.0)),
    meter=st.builds(Meter, st.just(0), st.integers(1, 12), st.sampled_from((2, 4, 8, 16, 32))),
    along=st.booleans(),
    pause=st.sampled_from((Fraction(1, 4), Fraction(1), Fraction(3))),
    at=st.sampled_from(("bar", "beat")),
    sync=st.booleans(),
) | st.builds(LiveSettings, trade=st.integers(1, 4), bars=st.none() | st.integers(1, MAX_ANSWER_BARS),
              click=st.booleans(), channel=st.integers(0, 8), tempo=st.sampled_from((20.0, 100.0, 400.0)))  # fmt: skip
pitches = st.sampled_from((0, 21, 60, 62, 64, 108, 127))
messages = (
    st.builds(NoteOn, pitches, st.integers(1, 127), st.integers(0, 2))
    | st.builds(NoteOff, pitches, st.integers(0, 2))
    | st.sampled_from(Transport)
    | st.binary(min_size=3, max_size=3).map(parse).filter(lambda message: message is not None)
)
steps = st.sampled_from((0.0, 1e-9, 0.001, 0.02, 0.1, 0.3, 0.6, 0.99)) | st.sampled_from((-0.05, -0.5, -3.0, 5.0, 1e6))
notes = st.builds(Note, st.integers(-50, 3000), st.integers(1, 400), pitches)
happenings = (
    st.tuples(st.just("hear"), messages)
    | st.tuples(st.sampled_from(("wake", "answer", "unplugged", "panic", "fail")), st.none())
    | st.tuples(st.just("write"), notes)
)


class Show:
    """A player, and a synthesizer that complains of a note struck twice or ended without having begun."""

    def __init__(self, setting):
        self.player, self.synthesizer, self.ask, self.now = Player(setting), Synthesizer(), None, 0.0

    def happen(self, what, thing):
        turn = self.ask.turn if self.ask else 1
        match what:
            case "wake":
                self.now = max(self.now, self.player.wake(self.now))
            case "answer" if self.ask:
                notes = Scale(6).improvise(self.ask.played, self.ask.bars, turn)
                while (note := next(notes, None)) and self.player.write(turn, note, self.now):
                    pass
            case "hear":
                self.player.hear(thing, self.now)
            case "write":
                self.player.write(turn, thing, self.now)
            case "fail":
                self.player.fail(turn, "no more", self.now)
            case "unplugged" | "panic" | "stop":
                getattr(self.player, what)(self.now)
        for out in self.player.poll(self.now):
            if isinstance(out, AnswerRequest):
                self.ask = out
            elif hasattr(out, "to_bytes"):
                self.synthesizer.take(out, self.now)
        if what in ("panic", "stop"):
            assert not self.synthesizer.sounding


@given(settings, st.lists(st.tuples(steps, happenings), max_size=80))
def test_each_note_on_has_its_note_off(setting, events):
    show = Show(setting)
    for step, (what, thing) in events:
        show.now += step
        show.happen(what, thing)
    show.happen("stop", None)
    show.happen("hear", NoteOn(60, 80))
    assert not show.player.poll(show.now + 0.5)
    show.player.recording.to_bytes(setting)


@pytest.mark.parametrize("along", [False, True])
def test_ended_by_itself_though_nobody_plays_on(along):
    """Without panic: once an answer has begun and no more is played, silence comes by itself."""
    from tests.live.simulation import Stage, phrase

    stage = Stage(LiveSettings(tempo=120, along=along), Scale(7))
    stage.play(phrase("C4:1 D4 E4 F4 G4:1"), 40.0)
    assert stage.synthesizer.onsets()
    assert not stage.synthesizer.sounding
