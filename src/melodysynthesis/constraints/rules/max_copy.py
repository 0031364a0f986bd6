"""A limit to what is copied from the training tunes. `generation.max_copy` keeps the rule."""

from __future__ import annotations

from melodysynthesis.constraints.specification import RuleSpec

SPEC = RuleSpec(
    name="max_copy", label="longest copy", type=int, example=6, lowest=1, highest=10_000,
    help="At most so many notes in a row from a training tune, by intervals and rhythm.",
    guarantee="No run of more notes than this is in the tunes that the model was trained on, in any key and in longer "
    "or shorter note values: the longest run by rhythm of the originality report. A run is equal in its intervals and "
    "its rhythm, so the same pitches in another rhythm are no copy; `max_copy_pitches` compares pitches alone.",
    build=None,
    needs_tunes=True,
)  # fmt: skip
