"""Every kern, ABC and MusicXML file in music21's wheel, as our readers and as music21 read it.

    python benchmarks/read_corpora.py [--state read-corpora.jsonl] [--only palestrina] [--show 10]

Compared are onsets, durations and pitches of the melody in ticks of 1/24 of a quarter, tune by tune. Music21 knows no
melody in a score of many parts: of its parts the one is taken that is most like ours, and its top line is made by
`parts.top_line`. Ties are joined, grace and cue notes left out. What we read otherwise by intention is done to
music21's side, too: of the endings in ABC the last is kept.

The state file keeps what music21 has read, which takes it an hour; our side is read anew each time.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from _reading_causes import explained
from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.formats.musicxml_file import unzipped
from melodysynthesis.formats.parts import top_line
from melodysynthesis.formats.pieces import text_of
from melodysynthesis.music import TICKS_PER_QUARTER, Melody, Note

SUFFIXES = {"krn": "kern", "abc": "abc", "mxl": "mxl", "xml": "musicxml", "musicxml": "musicxml"}
Rows = list[tuple[int, int, int]]


def corpus() -> Path:
    """The folder of music21's corpora."""
    spec = find_spec("music21")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "corpus"


def tunes_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each tune of a file; a book of ABC has many."""
    data = path.read_bytes()
    name = str(path.relative_to(corpus()))
    if path.suffix != ".abc":
        yield name, data
        return
    pieces = re.split(rb"(?m)^(?=X:)", data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    for number, piece in enumerate((piece for piece in pieces if piece.startswith(b"X:")), 1):
        yield f"{name} {number}", piece


# ---- music21's side


def parts_by_music21(data: bytes, format: str) -> list[Rows]:
    """Onset, duration and pitch of the notes of each part, in ticks; chords are whole, ties joined."""
    from music21 import converter

    if format == "abc":  # else it forgets accidentals at the next note
        data = b"%abc-2.1\n" + b"\n".join(plain_abc(line) for line in data.split(b"\n"))
    names = {"kern": "humdrum", "abc": "abc", "musicxml": "musicxml", "mxl": "musicxml"}
    text = text_of(unzipped(data, "x") if format == "mxl" else data, "x", "text", "binary")
    score = converter.parseData(re.sub(r"^<\?xml.*?\?>", "", text), format=names[format])
    if format == "abc":
        drop_earlier_endings(score)
    parts = [rows_of(part.toSoundingPitch()) for part in score.parts]
    return [rows for rows in parts if rows]


_TEXTS = re.compile(rb"\"[^\"]*\"|![^!|]{1,40}!|\{[^}]*\}|\((?![2-9])|\)")
_SIGNS = re.compile(rb"[~.HLMOPSTuv]+(?=[~.HLMOPSTuv^_=]*[A-Ga-gxzZ\[])")


def plain_abc(line: bytes) -> bytes:
    """A line of music without text, grace notes, slurs, decorations and `x`, beside which music21 loses notes."""
    if line[1:2] == b":" and line[:1].isalpha():
        return line
    return _SIGNS.sub(b"", _TEXTS.sub(b"", line.partition(b"%")[0])).replace(b"x", b"z")


def drop_earlier_endings(score: Any) -> None:
    """Take the measures of an ending away that another ending follows."""
    from music21 import spanner

    for part in score.parts:
        brackets = list(part.recurse().getElementsByClass(spanner.RepeatBracket)) + list(
            part.spannerBundle.getByClass(spanner.RepeatBracket)
        )
        brackets = sorted({id(b): b for b in brackets}.values(), key=lambda b: b.getFirst().offset)
        for bracket, following in pairwise(brackets):
            if not str(following.number).startswith("1"):
                ends = [element.getOffsetBySite(part) for element in bracket.getSpannedElements()]  # first and last
                inside = [
                    measure
                    for measure in part.getElementsByClass("Measure")
                    if min(ends) <= measure.getOffsetBySite(part) <= max(ends)
                ]
                for measure in inside:
                    part.remove(measure, shiftOffsets=True)


def rows_of(part: Any) -> Rows:
    """The notes of a part."""
    found: list[list[int | Fraction]] = []
    open_ties: dict[tuple[int, Fraction], int] = {}
    for element in part.flatten().notes:
        if element.duration.isGrace or getattr(element.style, "noteSize", None) == "cue":
            continue
        onset, length = Fraction(element.offset), Fraction(element.quarterLength)
        for note in getattr(element, "notes", None) or [element]:
            if not hasattr(note, "pitch"):
                continue
            pitch, tie = round(note.pitch.ps), note.tie or element.tie
            kind = tie.type if tie else ""
            index = open_ties.pop((pitch, onset), None) if kind in {"stop", "continue"} else None
            if index is None:
                index = len(found)
                found.append([onset, onset + length, pitch])
            else:
                found[index][1] = onset + length
            if kind in {"start", "continue"}:
                open_ties[pitch, onset + length] = index
    ticks = [(tick(onset), tick(end), int(pitch)) for onset, end, pitch in found]
    return [(onset, end - onset, pitch) for onset, end, pitch in ticks if end > onset]


def tick(quarters: int | Fraction) -> int:
    """The nearest tick; halves go up."""
    return int(2 * TICKS_PER_QUARTER * quarters + 1) // 2


# ---- comparison


def read_by_music21(path: Path) -> list[dict[str, Any]]:
    """A row for each tune of a file: its name, and `parts`, or what went wrong."""
    found = []
    for name, data in tunes_of(path):
        row: dict[str, Any] = {"name": name}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row["parts"] = parts_by_music21(data, SUFFIXES[path.suffix[1:]])
        except Exception as error:
            row["failed"] = f"{type(error).__name__}: {error}"[:200]
        found.append(row)
    return found


def compared(theirs: dict[str, Any], data: bytes, format: str) -> dict[str, Any]:
    """What comes of one tune."""
    row: dict[str, Any] = {"name": theirs["name"], "format": format}
    try:
        reading = formats.read_bytes(data, format, "x")
    except FormatError as error:
        row["ours"] = f"{error.kind}: {error.reason}"[:200]
        return row
    row["notices"] = reading.notices
    if "failed" in theirs:
        row["theirs"] = theirs["failed"]
        return row
    return row | difference(reading.melodies[0], [[(a, b, c) for a, b, c in rows] for rows in theirs["parts"]])


def difference(ours: Melody, theirs: list[Rows]) -> dict[str, Any]:
    """The share of our notes that the part of music21 has which is most like ours, and where they first differ."""
    best: dict[str, Any] = {"share": -1.0, "equal": False, "near": False, "pitches": False, "at": 0,
                            "here": [], "there": []}  # fmt: skip
    mine = [tuple(note) for note in ours.notes]
    for number, rows in enumerate(theirs, 1):
        line, _ = top_line(map(Note._make, sorted(rows)))
        other = [tuple(note) for note in line]
        share = len(set(mine) & set(other)) / max(1, len(mine), len(other))
        if share > best["share"]:
            at = next(
                (i for i, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b), min(len(mine), len(other))
            )
            melodic = [p for *_, p in mine] == [p for *_, p in other]
            near = melodic and all(
                abs(a - b) <= 1 for x, y in zip(mine, other, strict=True) for a, b in zip(x, y, strict=True)
            )
            best = {
                "share": round(share, 4),
                "part": number,
                "equal": mine == other,
                "near": near,
                "pitches": melodic,
                "at": at,
                "here": mine[at : at + 4],
                "there": other[at : at + 4],
            }
    return best


def main() -> None:
    """Read what the state file has not, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--state", type=Path, default=Path("read-corpora.jsonl"))
    parser.add_argument("--only", default="", help="only files whose path has this in it")
    parser.add_argument("--show", type=int, default=10, help="so many of the worst are shown")
    parser.add_argument("--table", action="store_true", help="only print what the state file has")
    parser.add_argument("--causes", action="store_true", help="find out by which rule each ABC tune differs")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    files = sorted(path for path in corpus().rglob("*") if path.suffix[1:] in SUFFIXES and options.only in str(path))
    random.Random(0).shuffle(files)  # so that a part of the run is a fair sample
    done = {row["name"] for row in kept(options.state)}
    with options.state.open("a") as out, Pool(options.workers) as pool:
        missing = [path for path in files if not options.table and any(name not in done for name, _ in tunes_of(path))]
        for rows in pool.imap_unordered(read_by_music21, missing):
            out.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows if row["name"] not in done)
            out.flush()
    tunes = {name: (data, SUFFIXES[path.suffix[1:]]) for path in files for name, data in tunes_of(path)}
    rows = [row for row in kept(options.state) if row["name"] in tunes]
    found = [compared(row, *tunes[row["name"]]) for row in rows]
    print_table(found, options.show)
    if options.causes:
        print_causes([(kind_of(one), tunes[one["name"]], row) for one, row in zip(found, rows, strict=True)])


def print_causes(found: list[tuple[str, tuple[bytes, str], dict[str, Any]]]) -> None:
    """How many tunes differ by each cause, an example, and who keeps to the standard."""
    count, example, right = Counter[str](), dict[str, str](), dict[str, str]()
    for kind, (data, format), row in found:
        if kind.startswith("differs"):
            parts = [[(a, b, c) for a, b, c in part] for part in row["parts"]]
            causes = next(explained(data, parts), ()) if format == "abc" else ()
            name = " and ".join(cause.name for cause in causes) or f"{format}: by hand, {kind}"
            count[name] += 1
            example.setdefault(name, row["name"])
            right[name] = "; ".join(f"{cause.right}: {cause.why}" for cause in causes)
    for name, number in count.most_common():
        print(f"{number:5} {name} | {example[name]} | {right[name]}")


def kept(state: Path) -> Iterator[dict[str, Any]]:
    """What music21 has read so far."""
    if state.exists():
        with state.open() as lines:
            yield from map(json.loads, lines)


def print_table(rows: list[dict[str, Any]], show: int) -> None:
    """The table by format and collection, and the tunes that differ most."""
    count = Counter((row["format"], row["name"].partition("/")[0], kind_of(row)) for row in rows)
    for (name, collection, kind), tunes in sorted(count.items()):
        print(f"{name:9} {collection:18} {kind:24} {tunes:6,}")
    print(f"{sum(kind_of(row) == 'equal' for row in rows):,} of {len(rows):,} are equal")
    differing = sorted((row for row in rows if kind_of(row).startswith("differs")), key=lambda row: row["share"])
    for row in differing[:show]:
        print(
            f"{row['name']}: {row['share']:.0%} of the notes; at note {row['at'] + 1} {row['here']} and {row['there']}"
        )
    for row in rows:
        if kind_of(row).startswith("no melody"):
            print(f"{row['name']}: {row.get('ours') or row.get('theirs')}")


def kind_of(row: dict[str, Any]) -> str:
    """What came of a tune."""
    if "ours" in row:
        return "no melody by ours"
    if "theirs" in row:
        return "no melody by music21"
    if row["equal"]:
        return "equal"
    return "differs by a tick" if row["near"] else "differs in rhythm" if row["pitches"] else "differs in pitches"


if __name__ == "__main__":
    main()
