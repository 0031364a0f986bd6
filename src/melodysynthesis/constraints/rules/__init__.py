"""The rules that can be asked for. The table below is all there is to add a new one to."""

from collections.abc import Callable, Mapping
from typing import Any

from melodysynthesis.constraints.rule import Rule, Setting
from melodysynthesis.constraints.rules.cadence import Cadence
from melodysynthesis.constraints.rules.chords import Chords
from melodysynthesis.constraints.rules.contour import Contour
from melodysynthesis.constraints.rules.durations import Durations
from melodysynthesis.constraints.rules.fixed import Fixed
from melodysynthesis.constraints.rules.leap_recovery import LeapRecovery
from melodysynthesis.constraints.rules.max_leap import MaxLeap
from melodysynthesis.constraints.rules.max_syncopation import MaxSyncopation
from melodysynthesis.constraints.rules.range import Range
from melodysynthesis.constraints.rules.rhythm import Rhythm
from melodysynthesis.constraints.rules.scale import Scale
from melodysynthesis.constraints.rules.ties_over_bars import NoTiesOverBars

Asked = Mapping[str, Any]
"""Fields of a request by name."""
Build = Callable[[Setting, Asked], Rule]

# By the field that asks for it.
RULES: dict[str, Build] = {
    "scale": lambda setting, asked: Scale(setting, asked["scale"], asked["chromatic"]),
    "range": lambda setting, asked: Range(setting, asked["range"]),
    "max_leap": lambda setting, asked: MaxLeap(setting, asked["max_leap"]),
    "leap_recovery": lambda setting, asked: LeapRecovery(setting),
    "chords": lambda setting, asked: Chords(setting, asked["chords"]),
    "cadence": lambda setting, asked: Cadence(setting, asked["scale"]),
    "durations": lambda setting, asked: Durations(setting, asked["durations"]),
    "max_syncopation": lambda setting, asked: MaxSyncopation(setting, asked["max_syncopation"]),
    "ties_over_bars": lambda setting, asked: NoTiesOverBars(setting),
    "rhythm": lambda setting, asked: Rhythm(setting, asked["rhythm"]),
    "contour": lambda setting, asked: Contour(setting, asked["contour"]),
    "fixed": lambda setting, asked: Fixed(setting, asked["fixed"]),
}
