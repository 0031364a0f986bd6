"""The turn-taking of live playing: messages and the time go in, commands come out; no port, clock or thread is used.

In turns, the person plays a phrase. The phrase ends after a pause, or after a number of bars. It is then quantised and
sent in an `AnswerRequest`; the notes of the model come back one by one and are played from the next bar line on,
for as many bars as the phrase had. A person who plays during the answer has the turn again at once.

Playing along, an `AnswerRequest` for one bar is sent before each bar line. The model continues what the person
played in the bars before, or its own notes where the person rested.

An `AnswerRequest` is sent ahead of its first note, so that the model has time to write. Notes that come too late
all the same are left out; the others stay in time. All times are seconds of one clock. If the clock jumps, or the
computer slept, no note hangs: all that sounds is ended, and the player starts listening again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from melodysynthesis.formats.parts import top_line
from melodysynthesis.live.commands import AnswerRequest, Cancel, Command, Notice
from melodysynthesis.live.messages import Message, NoteOff, NoteOn, SongPosition, Transport, silences
from melodysynthesis.live.music_clock import SIXTEENTH, MusicClock
from melodysynthesis.live.note_scheduler import NoteScheduler, ScheduledNote
from melodysynthesis.live.note_tracker import NoteTracker, PerformedNote
from melodysynthesis.live.quantise import quantise
from melodysynthesis.live.recording import Recording
from melodysynthesis.live.settings import CLICK_CHANNEL, MAX_ANSWER_BARS, LiveSettings
from melodysynthesis.music import Melody, Note

LEAD_SECONDS = 0.3
"""How long before its first note an answer is requested, at the least half of it; eight bars are read in 50 ms."""
LATE_SECONDS = 0.03
"""Musicians notice 20 to 30 ms: a note that is written later than this is left out."""
LONGEST_SLEEP = 0.1
"""Longest time between calls of `poll`, even if nothing is due: a longer gap counts as a jump of the clock."""
MEMORY_BARS = 8
"""How much of the past the model gets, besides the current phrase."""
PATIENCE_BARS = 4
"""Playing along stops when the person has rested for so long. In turns, what was played before so long a rest is
forgotten."""
PERIOD_BARS = 8
"""Playing along, the model takes its melody to end with a period of so many bars, not with each requested bar."""
CLICK_TICKS, CLICK_VELOCITY = 3, 90
HIGH_CLICK, LOW_CLICK = 76, 77
"""The wood blocks of General MIDI: the bar line, and the other beats."""
DEFAULT_VELOCITY = 80


class Player:
    """Plays with a person.

    `hear`, `unplugged`, `write`, `fail`, `panic` and `stop` say what has happened; `poll` gives what is to
    be done now, and is called after each of them and at `wake`.
    """

    def __init__(self, setting: LiveSettings) -> None:
        self.setting = setting
        self.recording = Recording()
        self._time = MusicClock(setting)
        self._ear, self._voice = NoteTracker(), NoteScheduler()
        self._out: list[Command] = []
        self._memory: list[Note] = []  # what both have played before the present phrase, in ticks of the player
        self._ask: AnswerRequest | None = None
        self._turn = 0
        self._late = 0
        self._next_click = 0
        self._turn_since = -math.inf  # tick since which the person has the turn
        self._last_press: float | None = None  # tick; None while the player rests
        self._next_bar = 0  # tick of the bar line before which the next request is due, playing along
        self._stopped = False

    # What has happened.

    def hear(self, message: Message, now: float) -> None:
        """A message has come in.

        Args:
            message: what was played.
            now: when it was played; a message that was delayed may be older than the last call.
        """
        self._look(self._time.latest(now))
        if self._stopped:
            return
        if silences(message):
            self.panic(now)
        elif isinstance(message, NoteOn):
            self._press(message, now)
        elif isinstance(message, NoteOff):
            self._note_down(self._ear.release(message.pitch, message.channel, self._time.tick(now)))
        elif isinstance(message, SongPosition | Transport):
            before = self._time.tick(now)
            if self._time.take(message, now):
                self._silence(before)

    def unplugged(self, now: float) -> None:
        """The keyboard has gone: its keys are up."""
        self._look(now)
        self._note_down(*self._ear.release_all(self._time.tick(now)))

    def write(self, turn: int, note: Note, now: float) -> bool:
        """The model has written a note, on the time line of its request. Returns whether it is to go on."""
        self._look(now)
        ask = self._ask
        if ask is None or turn != ask.turn:
            return False
        onset, end = ask.start + note.onset, min(ask.start + note.end, ask.until)
        if onset >= ask.until:
            return False
        if self._time.time(onset) < now - LATE_SECONDS:
            self._late += 1
            return True
        self._memory.append(Note(onset, end - onset, note.pitch))
        return self._voice.plan(ScheduledNote(onset, end, note.pitch, ask.velocity, self.setting.channel))

    def fail(self, turn: int, reason: str, now: float) -> None:
        """The model can't go on. What it has written is played, then the turn is the person's."""
        self._look(now)
        if self._ask is not None and turn == self._ask.turn:
            self._out.append(Notice(f"the model can't go on: {reason}"))

    def panic(self, now: float) -> None:
        """Silence, at once. The player listens again."""
        self._look(now)
        tick = self._time.tick(now)
        self._out += self._voice.panic(tick)
        self._silence(tick)

    def stop(self, now: float) -> None:
        """Silence, for good."""
        self.panic(now)
        self._stopped = True

    # What is to be done.

    def poll(self, now: float) -> list[Command]:
        """What is to be done now, in order."""
        self._look(now)
        if not self._stopped:
            self._play(now)
        while self._voice.played:
            note = self._voice.played.popleft()
            if note.channel == self.setting.channel:
                self.recording.add([PerformedNote(*note[:4])], self.recording.model)
        out, self._out = self._out, []
        return out

    def wake(self, now: float) -> float:
        """When `poll` is to be called next, if nothing happens before."""
        ticks = [self._voice.next_tick, self._decision()]
        if self.setting.click:
            ticks.append(self._next_click)
        next_tick = min((tick for tick in ticks if tick is not None), default=math.inf)
        return min(now + LONGEST_SLEEP, max(now, self._time.time(next_tick)))

    def _play(self, now: float) -> None:
        before = self._time.tick(now)
        if self._time.lost(now):
            self._silence(before)
            self._out.append(Notice("the MIDI clock has stopped coming: waiting for its start"))
        if self._time.tempo is None and self.setting.click:
            self._time.begin(now + LEAD_SECONDS)
        if self._time.tempo is None:
            return
        tick = self._time.tick(now)
        while self.setting.click and self._next_click <= tick:
            self._click(self._next_click)
            self._next_click += self.setting.beat_ticks
        if self.setting.along:
            self._play_along(tick)
        else:
            self._take_turns(tick)
        self._out += self._voice.due(tick)

    def _decision(self) -> float | None:
        """Tick at which something is to be decided next, if nothing more is played."""
        if self.setting.along:
            return self._next_bar - self._lead if self._last_press is not None else None
        return self._ask.until if self._ask is not None else self._phrase_over()

    # In turns.

    def _take_turns(self, tick: float) -> None:
        if self._ask is not None and tick >= self._ask.until:
            upbeat = self.setting.bar_ticks / 2 if self.setting.trade else self.setting.beat_ticks
            self._end_turn(self._ask.until - upbeat)
        over = self._phrase_over()
        if self._ask is None and over is not None and tick >= over:
            self._answer(tick)

    def _phrase_over(self) -> float | None:
        """Tick at which the person's phrase is over, if nothing more is played; None if nothing was."""
        if self._ear.first_onset is None:
            return None
        if self.setting.trade:
            return self._phrase_line() + self.setting.trade * self.setting.bar_ticks - self._lead
        silent = self._ear.silent_since
        return None if silent is None else silent + self.setting.pause_ticks

    def _phrase_line(self) -> int:
        """Bar line of the phrase's first whole bar: a phrase that begins late in a bar begins with a pickup."""
        bar, onset = self.setting.bar_ticks, max(self._ear.first_onset or 0.0, self._turn_since)
        return math.floor(onset / bar + 0.5) * bar

    def _answer(self, tick: float) -> None:
        """Ask for the answer to what was played, from the next line on."""
        bar, first = self.setting.bar_ticks, self._phrase_line()
        line = self.setting.beat_ticks if self.setting.at == "beat" and not self.setting.trade else bar
        begin = math.ceil((tick + self._lead / 2) / line) * line  # a trade's line may be nearer than the lead by now
        played = self._notes_before(begin)
        if not played:
            self._ear.forget(math.inf)
            self._turn_since = begin
            return
        played_bars = max(1, math.ceil(((self._ear.silent_since or begin) - first) / bar))
        bars = min(self.setting.bars or self.setting.trade or played_bars, MAX_ANSWER_BARS)
        if self._memory and played[0].onset - self._memory[-1].end > PATIENCE_BARS * bar:
            self._memory.clear()
        self._memory = [note for note in self._memory if note.onset >= begin - MEMORY_BARS * bar]
        end = math.ceil(begin / bar) * bar + bars * bar
        self._hand_out([*self._memory, *played], begin, end, end)
        self._out.append(Notice(f"heard {_counted(len(played), 'note')}; answering {_counted(bars, 'bar')}"))

    def _end_turn(self, since: float) -> None:
        """The answer is over: it becomes part of the past. What was played since a tick belongs to the next phrase."""
        assert self._ask is not None
        self._memory = _line([*self._memory, *self._notes_before(self._ask.begin)], self._ask.until)
        self._ear.forget(since)
        self._turn_since = since
        self._drop()

    def _interrupt(self, ask: AnswerRequest, tick: float) -> None:
        """A key goes down while an answer is written or played. Before it begins, the phrase was not over after all."""
        if tick < ask.begin - SIXTEENTH:
            self._out += self._voice.silence(tick)
            self._memory = [note for note in self._memory if note.onset < ask.begin]
            self._drop()
        elif not self.setting.trade and ask.begin + SIXTEENTH < tick < ask.until - self.setting.beat_ticks:
            self._out += self._voice.silence(tick)
            self._memory = [note for note in self._memory if note.onset < tick]
            self._end_turn(ask.begin - SIXTEENTH)

    # Along.

    def _play_along(self, tick: float) -> None:
        bar = self.setting.bar_ticks
        if self._last_press is None or tick < self._next_bar - self._lead:
            return
        # The bar line after next, if the time is too short for the next one.
        begin = max(self._next_bar, math.ceil((tick + self._lead / 2) / bar) * bar)
        self._next_bar = begin + bar
        if begin - self._last_press > PATIENCE_BARS * bar:
            self._silence(tick)
            self._out.append(Notice("resting until you play"))
            return
        oldest = begin - MEMORY_BARS * bar
        self._ear.forget(oldest)
        played = self._notes_before(begin)
        bars_played = {note.onset // bar for note in played}
        self._memory = [note for note in self._memory if note.onset >= oldest]
        own = [note for note in self._memory if note.onset // bar not in bars_played]
        period_end = (begin // (PERIOD_BARS * bar) + 1) * PERIOD_BARS * bar + bar
        self._hand_out([*own, *played], begin, begin + bar, period_end)

    # Both.

    def _press(self, message: NoteOn, now: float) -> None:
        if self._time.tempo is None and not self._time.begin(now):
            return  # before the sequencer starts there is no time to play in
        tick = self._time.tick(now)
        if self._ask is not None and not self.setting.along:
            self._interrupt(self._ask, tick)
        self._note_down(self._ear.press(message.pitch, message.channel, message.velocity, tick))
        if self._last_press is None:  # listen to a whole bar before joining in
            self._next_bar = (math.floor(tick / self.setting.bar_ticks + 0.5) + 1) * self.setting.bar_ticks
        self._last_press = tick

    def _hand_out(self, notes: Sequence[Note], begin: int, until: int, melody_end: int) -> None:
        """Ask for what follows on some notes.

        Args:
            notes: what was played, by both.
            begin: tick at which the answer begins.
            until: tick at which it is over.
            melody_end: tick, a bar line, up to which the model is to think ahead.
        """
        bar = self.setting.bar_ticks
        line = _line([note for note in notes if note.onset >= begin - MAX_ANSWER_BARS * bar], begin)
        if not line:
            return
        first = line[0].onset
        played = Melody(
            tuple(note._replace(onset=note.onset - first) for note in line),
            duration=begin - first,
            meters=(self.setting.meter,),
            key=self.setting.key,
            pickup=-first % bar,
        )
        bars = (melody_end - first - played.pickup) // bar
        self._tell_late()
        self._turn += 1
        self._ask = AnswerRequest(self._turn, played, bars, first, until, self._time.time(begin), self._velocity())
        self._out.append(self._ask)

    def _notes_before(self, until: int) -> tuple[Note, ...]:
        """What the person played before a tick, written down."""
        notes = [note for note in self._ear.notes(until) if note.onset >= self._turn_since]
        return quantise(notes, self.setting.meter, self._time.seconds_per_tick, until)

    def _velocity(self) -> int:
        """As loud as the person plays."""
        velocities = sorted(note.velocity for note in self._ear.notes(math.inf))
        return velocities[len(velocities) // 2] if velocities else DEFAULT_VELOCITY

    def _click(self, tick: int) -> None:
        pitch = LOW_CLICK if tick % self.setting.bar_ticks else HIGH_CLICK
        self._voice.plan(ScheduledNote(tick, tick + CLICK_TICKS, pitch, CLICK_VELOCITY, CLICK_CHANNEL))

    def _look(self, now: float) -> None:
        """Whether the clock has jumped."""
        jump = self._time.look(now)
        if jump:
            self._silence(self._time.tick(now))
            self._out.append(Notice(f"the clock jumped by {jump:+.1f} s: listening again"))

    def _silence(self, tick: float) -> None:
        """End what sounds and listen again."""
        beat = self.setting.beat_ticks
        self._out += self._voice.silence(tick)
        self._note_down(*self._ear.release_all(tick))
        self._ear.forget(math.inf)
        self._memory.clear()
        self._turn_since, self._last_press = -math.inf, None
        self._next_click = max(self._next_click, (math.floor(tick / beat) + 1) * beat)
        self._drop()
        if self._time.tempo is None:
            self.recording.part(0, self.setting.bar_ticks)

    def _drop(self) -> None:
        self._tell_late()
        if self._ask is not None:
            self._out.append(Cancel(self._ask.turn))
            self._ask = None

    def _tell_late(self) -> None:
        if self._late:
            self._out.append(Notice(f"{_counted(self._late, 'note')} came too late and {_were(self._late)} left out"))
            self._late = 0

    def _note_down(self, *notes: PerformedNote | None) -> None:
        self.recording.add([note for note in notes if note is not None], self.recording.person)

    @property
    def _lead(self) -> float:
        """`LEAD_SECONDS` in ticks."""
        return self._time.ticks(LEAD_SECONDS)


def _line(notes: Sequence[Note], until: int) -> list[Note]:
    """The top line of some notes, cut off at a tick."""
    cut = [note._replace(duration=min(note.end, until) - note.onset) for note in notes if note.onset < until]
    return list(top_line(cut)[0])


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
