"""What the player gives out to be done by those who have ports, a model and a screen."""

from __future__ import annotations

from typing import NamedTuple

from melodysynthesis.live.messages import Sent
from melodysynthesis.music import Melody


class Ask(NamedTuple):
    """A request to the model: what follows on `heard`, so that the whole has so many bars.

    Attributes:
        turn: its number. An `Ask` of a later number takes its place.
        heard: ends where the answer begins.
        bars: of the whole.
        start: tick of the player at which `heard` begins.
        until: tick of the player at which the answer is over, whatever more there would be.
        due: seconds at which the answer begins.
        velocity: how loud it is played.
    """

    turn: int
    heard: Melody
    bars: int
    start: int
    until: int
    due: float
    velocity: int

    @property
    def begin(self) -> int:
        """Tick of the player at which the answer begins."""
        return self.start + self.heard.duration


class Drop(NamedTuple):
    """The answer of this number is not wanted any more."""

    turn: int


class Remark(NamedTuple):
    """A line for people."""

    text: str


Order = Sent | Ask | Drop | Remark
"""A message to send, a question to the model or its withdrawal, a line to show."""
