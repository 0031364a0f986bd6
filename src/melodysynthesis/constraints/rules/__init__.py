"""The rules that can be requested: one file each, and one line of the table below.

To add a rule, write its automaton and its `RuleSpec` in a file here, add it to the table, and write its check in
`certificate.rules`. Everything else is derived from the specification; see `constraints.specification`.
"""

from typing import Any

from melodysynthesis.constraints.rules import (
    cadence,
    chords,
    climax,
    contour,
    density,
    durations,
    first_degree,
    fixed,
    form,
    grouping,
    leap_recovery,
    lyrics,
    max_copy,
    max_copy_pitches,
    max_leap,
    max_note,
    max_rest,
    max_syncopation,
    phrases,
    range,
    rests,
    returning_motif,
    rhythm,
    scale,
    tessitura,
    ties_over_bars,
)
from melodysynthesis.constraints.specification import RuleSpec

RULES: dict[str, RuleSpec] = {
    module.SPEC.name: module.SPEC
    for module in (
        scale, range, tessitura, max_leap, leap_recovery, chords, cadence, first_degree, durations, max_note, max_rest,
        density, max_syncopation, rests, ties_over_bars, grouping, rhythm, contour, climax, returning_motif, fixed,
        phrases, form, lyrics, max_copy, max_copy_pitches,
    )
}  # fmt: skip
"""By the request's field, in the order in which they are listed everywhere."""


NEED_TUNES = tuple(name for name, rule in RULES.items() if rule.needs_tunes)
"""Rules that are checked against the tunes that the model was trained on."""


def describe() -> list[dict[str, Any]]:
    """Every field of a rule for a control of a page, with the rule that it is `of`; `by_bar` as in `RuleSpec`.

    JSON types only.
    """
    return [
        field.describe() | {"of": rule.name, "by_bar": rule.by_bar and field is rule}
        for rule in RULES.values()
        for field in rule.fields
    ]
