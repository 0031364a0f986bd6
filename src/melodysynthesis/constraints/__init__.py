"""Constraints on generated melodies: token masks, and rules that are compiled to an automaton."""

from melodysynthesis.constraints.plan_masks import KeepsPlan
from melodysynthesis.constraints.token_masks import (
    Constraint,
    Continues,
    Finish,
    InHeader,
    NoLoop,
    StartsWithNote,
    WholeBars,
)

__all__ = ["Constraint", "Continues", "Finish", "InHeader", "KeepsPlan", "NoLoop", "StartsWithNote", "WholeBars"]
