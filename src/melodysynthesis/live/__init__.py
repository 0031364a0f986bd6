"""The live player: listens to a person and answers in time. Nothing here reads a port or a clock.

    player = Player(LiveSettings(tempo=100))
    player.hear(NoteOn(67, 90), now)       # what comes in, and when
    for out in player.poll(now):           # what is due now: messages, and requests to the model
        ...
    player.write(note_of_the_model, now)
    sleep(player.wake(now) - now)

    messages      MIDI messages and their bytes
    tempo         seconds <-> ticks; follows a MIDI clock
    ear           what was played, from keys that go down and up
    quantise      human timing -> ticks
    voice         notes -> messages in time; nothing hangs
    player        whose turn it is
    orders        what it gives out to be done
    improviser    what the model writes
    recording     what was played, as a MIDI file
    transcript    what was played, as melodies

The caller provides ports, clock and threads: `apps.live`, or a test.
"""

from melodysynthesis.live.commands import AnswerRequest, Notice
from melodysynthesis.live.improviser import Improviser, ModelImproviser
from melodysynthesis.live.messages import Message, NoteOff, NoteOn
from melodysynthesis.live.player import Player
from melodysynthesis.live.recording import Recording
from melodysynthesis.live.settings import LiveSettings

__all__ = [
    "AnswerRequest",
    "Improviser",
    "LiveSettings",
    "Message",
    "ModelImproviser",
    "NoteOff",
    "NoteOn",
    "Notice",
    "Player",
    "Recording",
]  # fmt: skip
