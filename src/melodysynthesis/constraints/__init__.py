"""Rules that a generated melody keeps: each is a mask over the tokens that may come next."""

from melodysynthesis.constraints.base import Constraint
from melodysynthesis.constraints.continues import Continues
from melodysynthesis.constraints.in_frame import InFrame
from melodysynthesis.constraints.no_loop import NoLoop
from melodysynthesis.constraints.starts_with_note import StartsWithNote
from melodysynthesis.constraints.whole_bars import Finish, WholeBars

__all__ = ["Constraint", "Continues", "Finish", "InFrame", "NoLoop", "StartsWithNote", "WholeBars"]
