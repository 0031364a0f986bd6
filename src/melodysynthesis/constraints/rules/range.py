"""Notes are not lower or higher than asked for."""

from __future__ import annotations

import numpy as np

from melodysynthesis.constraints.rule import Anywhere, Flags, Ints, Setting, where
from melodysynthesis.constraints.terms import Span


class Range(Anywhere):
    """Guaranteed: every note lies within the span, its ends included."""

    def __init__(self, setting: Setting, span: Span) -> None:
        super().__init__(setting)
        self.inside = (setting.pitches >= span.lowest) & (setting.pitches <= span.highest)

    def pitches(self) -> Flags:
        """Those within."""
        return self.inside

    def moves(self, situation: int) -> Ints:
        """Rests are free."""
        del situation
        return where(np.append(self.inside, True))[None, None, :]
