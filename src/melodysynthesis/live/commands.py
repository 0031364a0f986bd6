"""What the player gives out to be done by those who have ports, a model and a screen."""

from __future__ import annotations

from typing import NamedTuple

from melodysynthesis.live.messages import OutgoingMessage
from melodysynthesis.music import Melody


class AnswerRequest(NamedTuple):
    """A request to the model: continue `played`, so that the whole has so many bars.

    Attributes:
        turn: its number. An `AnswerRequest` of a later number takes its place.
        played: what was played so far; it ends where the answer begins.
        bars: of the whole.
        start: tick of the player at which `played` begins.
        until: tick of the player at which the answer is over, whatever more there would be.
        due: seconds at which the answer begins.
        velocity: how loud it is played.
    """

    turn: int
    played: Melody
    bars: int
    start: int
    until: int
    due: float
    velocity: int

    @property
    def begin(self) -> int:
        """Tick of the player at which the answer begins."""
        return self.start + self.played.duration


class Cancel(NamedTuple):
    """The answer of this number is not wanted any more."""

    turn: int


class Notice(NamedTuple):
    """A line for people."""

    text: str


Command = OutgoingMessage | AnswerRequest | Cancel | Notice
"""A message to send, a question to the model or its withdrawal, a line to show."""
