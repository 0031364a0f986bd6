"""The live player: time per streamed note, round trip, jitter of what is played, and how much of human timing it reads.

    python benchmarks/live.py [--model NAME|FILE] [--phrases N] [--ports jack|loopback] [--rules some|all]

Streaming is measured on one core, batch 1, after the first bars of held-out tunes: the first note, before which all
that was heard is read, and each further one. Round trip and jitter are those of whole sessions, over the real ports of
a JACK server that runs (`jackd -R -S -n bench -d dummy -r 48000 -p 64`, with JACK_DEFAULT_SERVER=bench), or over a
loopback without any. On a machine that does other work, start both with real-time priority (`chrt -f 10 python ...`): a
JACK client that is late for its cycle loses what was written in it. A phrase of four notes is played, then:

    round trip    from its last note-off to the first answering note
    of it asked   the pause that was set, and the way to the beat of the first note: what a person has asked for
    late          how much later than its beat a note of the answer comes out of the port; its spread is the jitter

With rules, answers have four bars: some are looked ahead for, and all are form and max-copy, too, which look far back.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from melodysynthesis import corpora
from melodysynthesis.apps.ports import RtMidiPorts
from melodysynthesis.apps.session import Session, SystemClock, WriterThread, punctual
from melodysynthesis.generation.request import Request
from melodysynthesis.live.commands import AnswerRequest
from melodysynthesis.live.improviser import ModelImproviser
from melodysynthesis.live.messages import NoteOff, NoteOn, parse
from melodysynthesis.live.note_tracker import PerformedNote
from melodysynthesis.live.player import Player
from melodysynthesis.live.quantise import quantise
from melodysynthesis.live.settings import LiveSettings
from melodysynthesis.live.tempo import seconds_per_tick
from melodysynthesis.music import Melody, Note
from melodysynthesis.runtime.loading import open_model

GOAL_MS = 5.0
HEARD_BARS, ALL_BARS = 4, 8
TEMPO = 240
QUARTER = 60 / TEMPO
SOME = {
    "max_leap": 9, "leap_recovery": True, "cadence": True, "max_syncopation": 2, "rests": False,
    "ties_over_bars": False, "contour": "+ +", "bars": ALL_BARS - HEARD_BARS,
}  # fmt: skip
RULES = {"none": {}, "some": SOME, "all": {**SOME, "form": "AA", "max_copy": 8}}


def spread(seconds: list[float]) -> str:
    """Median and 99th percentile in milliseconds."""
    median, high = np.percentile(np.array(seconds) * 1000, [50, 99])
    return f"median {median:.2f} ms, p99 {high:.2f} ms, {len(seconds):,} measured"


def beginnings(count: int) -> list[Melody]:
    """The first bars of held-out tunes in one meter."""
    found = []
    for tune in corpora.load("essen-german").split("test"):
        bars = list(tune.bars())
        if len(tune.meters) == 1 and len(bars) > ALL_BARS:
            end = next(bar.end for bar in bars if bar.number == HEARD_BARS)
            notes = tuple(note for note in tune.notes if note.end <= end)
            if notes:
                found.append(replace(tune, notes=notes, duration=end, phrase_ends=()))
    return found[:count]


def streaming(engine: Any, melodies: list[Melody], rules: dict[str, Any]) -> None:
    """Print the time of the first note and of each further one, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    firsts, wall, processor = [], [], []
    for turn, heard in enumerate(melodies):
        improviser = ModelImproviser(engine, Request(seed=1, key=heard.key, meter=heard.meters[0], **rules))
        began, used, first = time.perf_counter(), time.thread_time(), True
        for _ in improviser.improvise(heard, ALL_BARS, turn):
            now, now_used = time.perf_counter(), time.thread_time()
            if first:
                firsts.append(now - began)
            else:
                wall.append(now - began)
                processor.append(now_used - used)
            began, used, first = now, now_used, False
    os.sched_setaffinity(0, cores)
    verdict = "met" if np.percentile(wall, 99) * 1000 <= GOAL_MS else "missed"
    print(f"a streamed note, wall clock:    {spread(wall)}; goal p99 {GOAL_MS:g} ms, {verdict}")
    print(f"a streamed note, processor:     {spread(processor)}")
    print(f"the first, with {HEARD_BARS} bars to read: {spread(firsts)}")


def reading(melodies: list[Melody], tempo: float = 100) -> None:
    """Print how many onsets are read as they were meant, when played with normal errors."""
    random, spacing = np.random.default_rng(1), seconds_per_tick(tempo)
    for milliseconds in (10, 20, 30, 40):
        right = total = 0
        for melody in melodies:
            shift = -melody.pickup % melody.meters[0].bar_ticks
            errors = random.normal(0, milliseconds / 1000 / spacing, len(melody.notes))
            meant = [note._replace(onset=note.onset + shift) for note in melody.notes]
            played = sorted(
                PerformedNote(note.onset + error, note.onset + error + 0.85 * note.duration, note.pitch, 80)
                for note, error in zip(meant, errors.tolist(), strict=True)
            )
            written = quantise(played, melody.meters[0], spacing, melody.duration + shift)
            onsets = {(note.onset, note.pitch) for note in written}
            right += sum((note.onset, note.pitch) in onsets for note in meant)
            total += len(meant)
        print(
            f"onsets played {milliseconds} ms off (sigma), {tempo:g} a minute: {right / total:.2%} of {total:,} right"
        )


class Loopback:
    """Ports without a system behind them."""

    def __init__(self, arrived: Any) -> None:
        self.arrived, self.keyboard = arrived, SimpleNamespace(send=None)

    def inputs(self) -> list[str]:
        """None."""
        return []

    outputs = inputs

    def open_input(self, name: str | None, on_message: Any) -> Any:
        """See `Ports.open_input`."""
        self.keyboard.send = lambda data: on_message(data, time.monotonic())
        return SimpleNamespace(close=lambda: None)

    def open_output(self, name: str | None) -> Any:
        """See `Ports.open_output`."""
        return SimpleNamespace(send=lambda data: self.arrived(data, time.monotonic()), close=lambda: None)


class Noted:
    """An improviser that notes down when each note is due, and when it was written."""

    def __init__(self, improviser: ModelImproviser) -> None:
        self.improviser, self.ask = improviser, None
        self.asked: list[float] = []
        self.written: list[float] = []
        self.due: list[list[float]] = []

    def improvise(self, played: Melody, bars: int, turn: int) -> Iterator[Note]:
        """See `Improviser.improvise`."""
        began, first = time.monotonic(), True
        for note in self.improviser.improvise(played, bars, turn):
            if first:
                self.written.append(time.monotonic() - began)
            first = False
            self.due[-1].append(self.asked[-1] + (note.onset - played.duration) * seconds_per_tick(TEMPO))
            yield note


class NotedWriter(WriterThread):
    """Tells when answers are due."""

    def __init__(self, noted: Noted, session: Session) -> None:
        self.noted = noted
        super().__init__(noted, session)

    def ask(self, ask: AnswerRequest) -> None:
        """See `Writer.ask`."""
        self.noted.asked.append(ask.due)
        self.noted.due.append([])
        super().ask(ask)


def sessions(engine: Any, phrases: int, over_jack: bool, rules: dict[str, Any]) -> None:
    """Play phrases to a session and print round trip and jitter."""
    onsets: list[float] = []

    def arrived(data: Any, at: float) -> None:
        if isinstance(parse(data), NoteOn):
            onsets.append(at)

    if over_jack:
        rig, ports = RtMidiPorts("Rig"), None
        keyboard, synthesizer = rig.open_output(None), rig.open_input(None, arrived)
        ports, names = RtMidiPorts(), ("Rig out:midi", "Rig in:midi")
    else:
        ports, names = Loopback(arrived), ("", "")
        keyboard = ports.keyboard
    setting = LiveSettings(tempo=TEMPO, at="beat", pause=Fraction(1, 4), bars=rules.get("bars", 1))
    noted = Noted(ModelImproviser(engine, Request(seed=1, key="C major", meter="4/4", **rules)))
    session = Session(Player(setting), ports, *names, say=lambda line: None, clock=SystemClock())
    trips, asked, lates = [], [], []
    with punctual():
        thread = Thread(target=lambda: session.run(NotedWriter(noted, session)))
        thread.start()
        time.sleep(1)
        for number in range(phrases):
            onsets.clear()
            noted.due.clear()
            for pitch in (67, 69, 71, 67 + number % 5):
                keyboard.send(NoteOn(pitch, 80).to_bytes())
                time.sleep(0.8 * QUARTER)
                keyboard.send(NoteOff(pitch).to_bytes())
                off = time.monotonic()
                time.sleep(0.2 * QUARTER)
            time.sleep((7 + 4 * setting.bars) * QUARTER)  # until the answer is over
            due = noted.due[-1] if noted.due else []
            if due and len(onsets) == len(due):  # else a message was lost on the way
                trips.append(onsets[0] - off)
                asked.append(due[0] - off)
                lates += [heard - meant for heard, meant in zip(onsets, due, strict=True)]
        session.quit()
        thread.join()
    if over_jack:
        synthesizer.close()
        keyboard.close()
        ports.close()
        rig.close()
    print(f"{'JACK' if over_jack else 'loopback'}, {len(trips)} of {phrases} phrases answered as written")
    print(f"round trip:  {spread(trips)}")
    print(f"of it asked: {spread(asked)}")
    print(f"late:        {spread(lates)}; jitter (standard deviation) {np.std(lates) * 1000:.2f} ms")
    print(f"first note written after {spread(noted.written)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--phrases", type=int, default=30)
    parser.add_argument("--tunes", type=int, default=60)
    parser.add_argument("--ports", choices=("jack", "loopback"), default="loopback")
    parser.add_argument("--rules", choices=RULES, default="none")
    chosen = parser.parse_args()
    engine, _ = open_model(chosen.model)
    card, melodies = engine.card, beginnings(chosen.tunes)
    print(f"{card.architecture} {card.preset}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    streaming(engine, melodies, RULES[chosen.rules])
    reading(melodies)
    sessions(engine, chosen.phrases, chosen.ports == "jack", RULES[chosen.rules])


if __name__ == "__main__":
    main()
