"""`melody corpus`: list, build, show and audit corpora."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from melodysynthesis.apps.console import JSON_OPTION, note, progress, say, say_json, say_table

if TYPE_CHECKING:
    from melodysynthesis.corpora import Audit, BuildReport, Corpus, Rules

app = typer.Typer(
    help="List, build and show corpora, and prove that their splits do not leak.",
    no_args_is_help=True,
)

CorpusName = Annotated[
    str, typer.Argument(help="A named corpus, or a file or folder of your own.", metavar="NAME|FOLDER")
]
AsJson = Annotated[bool, JSON_OPTION]
MinNotes = Annotated[int, typer.Option(help="Reject tunes with fewer notes.", min=1)]
DemandMeter = Annotated[bool, typer.Option("--demand-meter", help="Reject tunes in free time.")]
Part = Annotated[str | None, typer.Option(help="Part to read of each file, by name or number.", metavar="NAME|NUMBER")]

_SHOWN_REJECTS = 10
_SHOWN_KEYS = 12
_TEXT_FORMATS = ("abc", "krn", "grid", "json")


@app.command("list", epilog="Example: melody corpus list")
def list_corpora(as_json: AsJson = False) -> None:
    """List the named corpora."""
    from melodysynthesis.corpora import DEFAULT, IN_FOLDERS, SOURCES

    if as_json:
        rows = [{"name": s.name, "title": s.title, "default": s.name == DEFAULT} for s in SOURCES.values()]
        say_json(rows)
        return
    default = " (default)"
    say_table([(s.name, s.title + (default if s.name == DEFAULT else "")) for s in SOURCES.values()])
    say("\nCollections that you have in a folder:")
    say_table([(f"{name}:FOLDER", title) for name, (title, _) in IN_FOLDERS.items()])
    say("\nA file or folder of your own scores is a corpus, too: melody corpus build my-tunes/")


@app.command(epilog="Example: melody corpus build essen-german")
def build(  # noqa: PLR0917 - typer makes its options from the parameters
    name: CorpusName = "essen-german",
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build again even if no file has changed.")] = False,
    min_notes: MinNotes = 8,
    demand_meter: DemandMeter = False,
    part: Part = None,
    as_json: AsJson = False,
) -> None:
    """Build a corpus into the cache, and report what was read and rejected, and how it was split."""
    from melodysynthesis.corpora import Rules

    corpus = _load(name, Rules(min_notes, demand_meter, part), rebuild=rebuild)
    _print_report(corpus.report, as_json)


@app.command(epilog="Examples: melody corpus show essen-german · melody corpus show essen-german --tune 7 --format abc")
def show(  # noqa: PLR0917 - typer makes its options from the parameters
    name: CorpusName = "essen-german",
    tune: Annotated[int | None, typer.Option(help="Print one melody, by its number from 1.", min=1)] = None,
    format_name: Annotated[str, typer.Option("--format", help="Format of the melody: abc, krn, grid or json.")] = "abc",
    licence: Annotated[bool, typer.Option("--licence", help="Print the collection's licence.")] = False,
    min_notes: MinNotes = 8,
    demand_meter: DemandMeter = False,
    part: Part = None,
    as_json: AsJson = False,
) -> None:
    """Show a corpus: its report, its licence, or one of its melodies."""
    from melodysynthesis.corpora import Rules, find_source

    if licence:
        say(find_source(name).licence_text())
        return
    corpus = _load(name, Rules(min_notes, demand_meter, part))
    if tune is None:
        _print_report(corpus.report, as_json)
    else:
        _print_tune(corpus, tune, format_name, as_json)


@app.command(epilog="Example: melody corpus audit essen-german")
def audit(
    name: CorpusName = "essen-german",
    min_notes: MinNotes = 8,
    demand_meter: DemandMeter = False,
    part: Part = None,
    as_json: AsJson = False,
) -> None:
    """Search different splits for tunes that share a run of notes or are a few edits apart.

    It uses another method than the one that made the splits. Exit code 1 if it finds a pair.
    """
    from melodysynthesis import corpora

    result = corpora.audit(_load(name, corpora.Rules(min_notes, demand_meter, part)))
    if as_json:
        say_json({"ok": result.ok, **asdict(result)})
    else:
        say_table(
            [
                (split, f"{tunes:,} tunes", f"{result.runs[split]:,} different runs of {result.run} notes")
                for split, tunes in result.tunes.items()
            ]
        )
        for leak in result.leaks:
            say(f"leak: {leak}")
        say(_verdict(result))
    if not result.ok:
        raise typer.Exit(1)


def _verdict(result: Audit) -> str:
    if not result.ok:
        return f"{len(result.leaks)} leaks found"
    text = f"No run of {result.run} notes is in two splits, as tunes stand and with repeated notes as one."
    if not result.share:
        return f"{text} There are too many tunes to compare them by edit distance."
    return (
        f"{text}\nOf {result.pairs:,} pairs of tunes in different splits none is within an edit distance of "
        f"{result.share:.0%} of the longer one's intervals."
    )


def _load(name: str, rules: Rules, rebuild: bool = False) -> Corpus:
    from melodysynthesis.corpora import load

    with progress(f"reading {name} (%)", 100) as advance:
        return load(name, rules=rules, rebuild=rebuild, progress=lambda done, total: advance(100 * done // total))


def _print_tune(corpus: Corpus, number: int, format_name: str, as_json: bool) -> None:
    from melodysynthesis import formats
    from melodysynthesis.errors import RequestError

    if format_name not in _TEXT_FORMATS:
        raise RequestError(f"--format {format_name}: expected one of {', '.join(_TEXT_FORMATS)}")
    if number > len(corpus):
        raise RequestError(f"corpus {corpus.name!r} has {len(corpus):,} melodies; there is no number {number:,}")
    melody = corpus[number - 1]
    text = formats.to_bytes(melody, format_name).decode()
    if as_json:
        split, family = corpus.split_of(number - 1), corpus.family_of(number - 1) + 1
        say_json({"number": number, "source": melody.source, "split": split, "family": family, format_name: text})
    else:
        say(text)


def _print_report(report: BuildReport, as_json: bool) -> None:
    if as_json:
        say_json(report.as_dict())
        return
    splits = [f"{name} {s.tunes:,} tunes ({s.notes:,} notes)" for name, s in report.splits.items()]
    sizes = [f"{count:,} of {size}" for size, count in report.family_sizes.items()]
    rejected = [f"{count:,} {kind}" for kind, count in report.rejected.items()]
    compared = "" if report.edits_compared else "; too many tunes to compare by edit distance"
    keys = dict(list(report.keys.items())[:_SHOWN_KEYS])
    say_table(
        [
            ("corpus", report.name),
            ("read", f"{report.read:,} tunes in {report.files:,} files, in {report.seconds:.2f} s"),
            ("kept", f"{report.kept:,}"),
            ("rejected", ", ".join(rejected) or "none"),
            ("duplicates", f"{report.exact_duplicates:,} exact, {report.near_duplicates:,} near"),
            ("families", f"{report.families:,}: {', '.join(sizes)}"),
            ("splits", ", ".join(splits)),
            ("longest shared", f"{report.longest_shared_run} notes in a row that two splits share"),
            ("  merged", f"{report.longest_shared_merged} with repeated notes as one"),
            ("rule of splits", f"version {report.splits_version}{compared}"),
            ("meters", _counts(report.meters)),
            ("modes", _counts(report.modes)),
            ("styles", _counts(report.styles)),
            ("keys", _counts(keys) + (", ..." if len(report.keys) > _SHOWN_KEYS else "")),
        ]
    )
    from melodysynthesis.corpora.report import summed

    for line in summed(report.notices):
        note(f"note: {line}")
    for reject in report.rejects[:_SHOWN_REJECTS]:
        note(f"rejected: {reject.where}: {reject.reason}")
    if len(report.rejects) > _SHOWN_REJECTS:
        note(f"... and {len(report.rejects) - _SHOWN_REJECTS:,} more; --json lists all")


def _counts(values: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in values.items() if count)
