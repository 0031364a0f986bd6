"""A limit to pitches that are copied from the training tunes. `generation.max_copy` keeps the rule."""

from __future__ import annotations

from melodysynthesis.constraints.specification import RuleSpec

SPEC = RuleSpec(
    name="max_copy_pitches", label="longest copy of pitches", type=int, example=12, lowest=1, highest=10_000,
    help="At most so many notes in a row with the pitches of a training tune, in any rhythm.",
    guarantee="No run of more notes than this has the pitches of notes in a row of a tune that the model was trained "
    "on, in any key and in any rhythm: the longest run by interval of the originality report. Repeated notes count.",
    build=None,
    needs_tunes=True,
)  # fmt: skip
