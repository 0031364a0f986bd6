"""Prints the results of a listening test."""

from __future__ import annotations

from collections.abc import Sequence

from melodysynthesis.apps.console import note, say, say_table
from melodysynthesis.apps.listen.results import Results
from melodysynthesis.evaluation.statistics import Interval


def show(results: Results, sets: Sequence[str]) -> None:
    """Print the results of a test of these sets."""
    out = [one for one in results.people if one.left_out]
    done = sum(one.answered == one.of for one in results.people)
    answers = sum(one.answered for one in results.people)
    say(f"{len(results.people)} took part, {done} to the end, {answers:,} answers; {len(out)} left out")
    for one in results.people:
        if one.failed:
            verdict = "left out" if one.left_out else "kept"
            say(f"  {one.participant}: failed {len(one.failed)} of {len(one.checks)} checks "
                f"({', '.join(one.failed)}), {verdict}")  # fmt: skip
    if not answers:
        return
    say()
    say_table(list(_table(results, sets)))
    for line in _agreement_lines(results):
        say(line)
    note(
        "strength: log odds of being chosen, 0 for the mean set; ratings from 1 to 7; 95 % intervals over participants"
    )


def _table(results: Results, sets: Sequence[str]) -> list[tuple[str, ...]]:
    strengths = dict(zip(results.preference.sets, results.preference.strengths, strict=True))
    rows: list[tuple[str, ...]] = [("set", "strength by choices", "chosen", "pleasing", "by a person", "ratings")]
    for name in sorted(sets, key=lambda each: -strengths[each].value if each in strengths else 0):
        wins, met = _wins(results, name)
        rows.append(
            (
                name,
                _interval_text(strengths.get(name)),
                f"{wins} of {met}" if met else "",
                _interval_text(results.means["pleasing"].get(name)),
                _interval_text(results.means["human"].get(name)),
                str(results.counts.get(name, 0)),
            )
        )
    return rows


def _wins(results: Results, name: str) -> tuple[int, int]:
    """How often a set was chosen, and how often it or its partner was."""
    if name not in results.preference.sets:
        return 0, 0
    at, counts = results.preference.sets.index(name), results.preference.counts
    wins = sum(counts[at])
    return wins, wins + sum(row[at] for row in counts)


def _agreement_lines(results: Results) -> list[str]:
    words = {"pleasing": "melodies", "human": "melodies", "choice": "pairs"}
    lines = [""]
    for what, (alpha, units) in results.agreement.items():
        if units:
            lines.append(
                f"agreement on {what}: Krippendorff's alpha {_interval_text(alpha)}, over {units} {words[what]}"
            )
    found = results.preference
    if found.sets:
        lines.append(
            f"no difference: {found.ties:.0%} of choices; the melody played first: {found.first:.0%} of the others"
        )
    return lines


def _interval_text(interval: Interval | None) -> str:
    if interval is None or interval.value != interval.value:
        return ""
    shown = f"{interval.value:.2f}"
    return shown if interval.low != interval.low else f"{shown} [{interval.low:.2f}, {interval.high:.2f}]"
