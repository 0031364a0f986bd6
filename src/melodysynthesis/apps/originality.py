"""What the verbs print about a melody's originality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from melodysynthesis.apps.console import progress

if TYPE_CHECKING:
    from melodysynthesis.evaluation.originality import Index


def open_index(corpus: str) -> Index:
    """The index of the training tunes of a corpus; corpus and index are built on first use.

    Raises:
        CorpusError: for an unknown corpus, or one that comes with a package that is not installed.
    """
    from melodysynthesis.corpora import load
    from melodysynthesis.evaluation.originality import index_of

    with progress(f"reading {corpus} (%)", 100) as advance:
        return index_of(load(corpus, progress=lambda done, total: advance(100 * done // total)))


def lines_about(report: dict[str, Any]) -> list[str]:
    """Lines for people about what `evaluation.originality.evaluate` found."""
    lines = []
    for kind, what in (("rhythm", "intervals and rhythm"), ("interval", "intervals alone")):
        shared = report[kind]
        run = f"{shared['longest_run']} of {report['notes']} notes"
        if shared["tune"] is not None:
            where = f"tune {shared['tune']}, {shared['name']} ({_where(shared['tune_place'])})"
            run += f" ({_where(shared['place'])}) are in {where}"
        lines.append(f"longest run shared, by {what}: {run}; {_percentile(shared, report)}")
        copied = [f"{100 * share:.3g} % of {n} notes" for n, share in shared["copied"].items() if share is not None]
        if copied:
            lines.append(f"runs copied, by {what}: {', '.join(copied)}")
    return lines


def in_brief(report: dict[str, Any]) -> str:
    """The longest shared run by rhythm, in a few words."""
    return f"shares {report['rhythm']['longest_run']} notes in a row, {_percentile(report['rhythm'], report)}"


def _where(place: dict[str, int | None]) -> str:
    notes = f"{place['first_note']} to {place['last_note']}"
    bars = "" if place["first_bar"] is None else f", bars {place['first_bar']} to {place['last_bar']}"
    return notes + bars


def _percentile(shared: dict[str, Any], report: dict[str, Any]) -> str:
    if shared["percentile"] is None:
        return f"{report['corpus']} holds out no tunes to compare with"
    return f"percentile {shared['percentile']:.0f} of {report['held_out_tunes']:,} held-out tunes"
