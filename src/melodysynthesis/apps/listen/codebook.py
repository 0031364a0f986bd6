"""The codebook of the answers' table: what each column holds, as psychologists exchange it beside the data."""

from __future__ import annotations

import csv
import io

from melodysynthesis.apps.listen.design import CHOICES, DEMANDED, KINDS, PURPOSES, RATINGS, REAL, REPEAT, TWINS
from melodysynthesis.apps.listen.results import COLUMNS

RATING_SCALE = f"{RATINGS[0]} to {RATINGS[-1]}"
MEANINGS: dict[str, tuple[str, str]] = {
    "participant": ("text", "random name of the participant"),
    "left_out": ("0 or 1", "1 if the results leave this participant out, for failed checks"),
    "place": ("whole number", "number of the trial for this participant, from 1"),
    "kind": (", ".join(KINDS), "rating of one melody, or choice between a pair"),
    "purpose": (
        ", ".join(PURPOSES),
        f"{REAL}: counts; checks: {DEMANDED}, the page says the answer; {REPEAT}, a melody again; "
        f"{TWINS}, one melody twice",
    ),
    "first_set": ("text", "set of the melody, or of the one that is heard first"),
    "first_melody": ("whole number", "its number in the set, from 1"),
    "first_source": ("text", "where it comes from"),
    "second_set": ("text", "of a pair: set of the melody that is heard second"),
    "second_melody": ("whole number", "of a pair: its number in the set, from 1"),
    "second_source": ("text", "of a pair: where it comes from"),
    "question": ("pleasing, human, choice", "how much it pleases; whether a person wrote it; which is better"),
    "answer": (f"{RATING_SCALE}, or {', '.join(CHOICES)}", "the answer"),
    "chosen_set": ("text", "of a pair: set of the chosen melody; empty where neither was chosen"),
    "expected": ("as answer", f"of a check of purpose {DEMANDED}: the answer that the page says"),
    "passed": ("0 or 1", "of a check: whether it was passed"),
    "seconds": ("number", "from the question to the answer, as the page measured it"),
    "answered_at": ("time", "when the answer came to the server, UTC, ISO 8601"),
}


def codebook() -> str:
    """CSV with a row for each column of the answers' table: its name, its values, and what it means."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(("column", "values", "meaning"))
    table.writerows((column, *MEANINGS[column]) for column in COLUMNS)
    return buffer.getvalue()
