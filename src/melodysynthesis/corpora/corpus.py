"""A built corpus: melodies read from the memory map on demand, their splits, and how it is built."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.corpora import families as family
from melodysynthesis.corpora.families import SPLITS
from melodysynthesis.corpora.report import BuildReport, Reject, SplitSize
from melodysynthesis.corpora.run_index import NoteRuns
from melodysynthesis.corpora.sources import DEFAULT, STYLES, Source, find_source
from melodysynthesis.corpora.store import KEYS, NO_KEY, Columns, Spool, cache_folder, melody_at, open_store
from melodysynthesis.errors import CorpusError, FormatError, unknown
from melodysynthesis.formats import files
from melodysynthesis.formats.base import Reading
from melodysynthesis.music import Melody

Progress = Callable[[int, int], None]
"""Called with files done and files in all."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which tunes a corpus keeps."""

    min_notes: int = 8
    """Fewer notes are no melody to learn from."""
    demand_meter: bool = False
    """Reject tunes in free time, instead of keeping them without meter."""
    part: str | None = None
    """The part to read of each file, by name or by number from 1; None for the one most like a melody."""

    def reject(self, melody: Melody) -> Reject | None:
        """Why a melody is not kept; None if it is."""
        if not melody.notes:
            return Reject(melody.source, "it has no notes", "no notes")
        if len(melody) < self.min_notes:
            return Reject(melody.source, f"{len(melody)} notes, fewer than {self.min_notes}", "too short")
        if self.demand_meter and not melody.meters:
            return Reject(melody.source, "free time, and a meter is demanded", "no meter")
        return None


class View(Sequence[Melody]):
    """Some melodies of a corpus, read on demand. `indices` are their numbers in the corpus."""

    def __init__(self, columns: Columns, indices: NDArray[np.int64]) -> None:
        self.columns, self.indices = columns, indices

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> Melody: ...
    @overload
    def __getitem__(self, index: slice) -> View: ...
    def __getitem__(self, index: int | slice) -> Melody | View:
        """One melody, or a view of several."""
        if isinstance(index, slice):
            return View(self.columns, self.indices[index])
        return melody_at(self.columns, int(self.indices[index]))

    def __iter__(self) -> Iterator[Melody]:
        return (melody_at(self.columns, index) for index in self.indices.tolist())

    @property
    def note_count(self) -> int:
        """Notes in all melodies of the view."""
        first = self.columns["first_note"]
        return int((first[self.indices + 1] - first[self.indices]).sum())


class Corpus(View):
    """All melodies of a corpus, in the order of files and tunes.

    Attributes:
        name: of its source.
        report: what building it found.
        file_names: the files, which `columns["file"]` numbers.
    """

    def __init__(self, name: str, report: BuildReport, file_names: list[str], columns: Columns) -> None:
        super().__init__(columns, np.arange(len(columns["length"]), dtype=np.int64))
        self.name, self.report, self.file_names = name, report, file_names

    def split(self, name: str) -> View:
        """The melodies of one of `SPLITS`. No tune family is in two of them.

        Raises:
            CorpusError: for another name.
        """
        if name not in SPLITS:
            raise CorpusError(unknown("split", name, SPLITS))
        return View(self.columns, np.flatnonzero(self.columns["split"] == SPLITS.index(name)))

    def by_file(self) -> dict[str, View]:
        """The melodies of each file, as the original study's `train.txt`, `val.txt` and `test.txt`."""
        return {
            name: View(self.columns, np.flatnonzero(self.columns["file"] == number))
            for number, name in enumerate(self.file_names)
        }

    def split_of(self, index: int) -> str:
        """Name of the split that a melody is in."""
        return SPLITS[int(self.columns["split"][index])]

    def style_of(self, index: int) -> str:
        """Kind of music of a melody, by its collection: one of `STYLES`, "" where it is not known."""
        return STYLES[int(self.columns["style"][index])]

    def family_of(self, index: int) -> int:
        """Number of the first melody of the family that a melody belongs to."""
        return int(self.columns["family"][index])


def load(
    name: str | os.PathLike[str] = DEFAULT,
    *,
    rules: Rules | None = None,
    rebuild: bool = False,
    progress: Progress | None = None,
) -> Corpus:
    """A corpus by name, or of a file or folder of the user's; built if it is not cached or its files changed.

    Raises:
        CorpusError: for an unknown name (suggesting near ones), a package that is not installed, files
        without
            one melody that the rules keep, or a cache that can't be written.
    """
    source, rules = find_source(name), rules or Rules()
    paths = source.files()
    path, fingerprint = _place(source, rules), _fingerprint(source, rules, paths)
    stored = None if rebuild else open_store(path)
    if stored is None or stored[0].get("fingerprint") != fingerprint:
        _build(source, rules, paths, target=path, fingerprint=fingerprint, progress=progress)
        stored = open_store(path)
        if stored is None:
            raise CorpusError(f"the corpus just built can't be read back from {path}")
    header, columns = stored
    return Corpus(source.name, BuildReport.from_dict(header["report"]), header["files"], columns)


def _place(source: Source, rules: Rules) -> Path:
    label = re.sub(r"[^\w.-]+", "-", Path(source.name).name)[:60] or "corpus"
    what = hashlib.blake2b(f"{source.locator}|{rules}".encode(), digest_size=6).hexdigest()
    return cache_folder() / "corpora" / f"{label}-{what}.melodies"


def _fingerprint(source: Source, rules: Rules, paths: Sequence[tuple[Source, Path]]) -> str:
    """What a built corpus depends on: its files by size and time, the rules, and the code that reads them."""
    digest = hashlib.blake2b(f"{source.name}|{json.dumps(asdict(rules))}|{_code()}".encode(), digest_size=16)
    for member, path in paths:
        try:
            state = path.stat()
        except OSError:
            continue
        digest.update(f"{member.name_of(path)}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@cache
def _code() -> str:
    """A digest of the modules that read files, so that an upgrade rebuilds what it would read differently."""
    package = Path(__file__).parent.parent
    folders = [package / name for name in ("theory", "formats", "corpora")]
    modules = [package / "music.py", *sorted(path for folder in folders for path in folder.glob("*.py"))]
    text = b"".join(module.read_bytes() for module in modules)
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _build(
    source: Source,
    rules: Rules,
    paths: Sequence[tuple[Source, Path]],
    *,
    target: Path,
    fingerprint: str,
    progress: Progress | None,
) -> None:
    started = time.perf_counter()
    report = BuildReport(source.name, splits_version=family.SPLITS_VERSION, files=len(paths))
    contents: list[int] = []
    styles: list[int] = []
    with Spool(target.parent) as spool:
        for number, (member, path) in enumerate(paths):
            for melody in _read_file(member, rules, path, report):
                spool.add(melody, number)
                styles.append(STYLES.index(member.style))
                contents.append(family.content_hash(melody))
            if progress:
                progress(number + 1, len(paths))
        if not spool.tunes:
            first = f"; the first: {report.rejects[0].where}: {report.rejects[0].reason}" if report.rejects else ""
            raise CorpusError(f"corpus {source.name!r}: none of {report.read} tunes can be kept{first}")
        spool.set_column("style", np.array(styles))
        _sort_into_splits(spool, contents, report)
        report.seconds = round(time.perf_counter() - started, 3)
        names = [member.name_of(path) for member, path in paths]
        spool.save(target, {"fingerprint": fingerprint, "report": report.as_dict(), "files": names})


def _read_file(source: Source, rules: Rules, path: Path, report: BuildReport) -> Iterator[Melody]:
    """The melodies of a file that the rules keep; what they don't goes into the report."""
    name = source.name_of(path)
    try:
        reading = source.read(files.load(path), name, rules.part)
    except FormatError as problem:
        reading = Reading(problems=[problem])
    except Exception as error:  # a fault of a reader must not lose a build of many hours
        fault = f"the reader failed: {type(error).__name__}: {str(error)[:200]}"
        reading = Reading(problems=[FormatError(fault, name, "reader failed")])
    places = [problem.where if problem.where != files.shown(path) else name for problem in reading.problems]
    report.rejects += [
        Reject(where or name, p.reason, p.kind) for where, p in zip(places, reading.problems, strict=True)
    ]
    report.notices += reading.notices
    report.read += len(reading.problems) + len(reading.melodies)
    for melody in reading.melodies:
        if reject := rules.reject(melody):
            report.rejects.append(reject)
        else:
            yield source.adapt(melody) if source.adapt else melody


def _sort_into_splits(spool: Spool, contents: list[int], report: BuildReport) -> None:
    columns = spool.columns()
    notes = NoteRuns(columns["first_note"], columns["pitch"])
    families = family.find_families(notes)
    splits = family.split_families(families, contents)
    spool.set_column("family", families)
    spool.set_column("split", splits)
    _describe(spool.columns(), notes, contents, report)


def _describe(columns: Columns, notes: NoteRuns, contents: list[int], report: BuildReport) -> None:
    families, splits = columns["family"], columns["split"]
    report.kept = len(contents)
    repeated = np.ones(len(contents), bool)
    repeated[np.unique(np.array(contents, np.uint64), return_index=True)[1]] = False
    report.exact_duplicates = int(repeated.sum())
    report.near_duplicates = family.near_duplicates(notes, repeated)
    members = np.unique(families, return_counts=True)[1]
    report.families = len(members)
    report.family_sizes = dict(sorted(Counter(members.tolist()).items()))
    lengths = np.diff(columns["first_note"])
    for number, name in enumerate(SPLITS):
        mine = splits == number
        report.splits[name] = SplitSize(int(mine.sum()), int(lengths[mine].sum()), len(np.unique(families[mine])))
    report.longest_shared_run = family.longest_run_across(notes, splits)
    report.longest_shared_merged = family.longest_run_across(notes.merged(), splits)
    report.edits_compared = len(contents) <= family.MOST_COMPARED
    _describe_music(columns, report)


def _describe_music(columns: Columns, report: BuildReport) -> None:
    first = columns["first_meter"]
    at_start = first[:-1][np.diff(first) > 0]
    beats, units = columns["beats"][at_start].tolist(), columns["beat_unit"][at_start].tolist()
    meters = Counter(f"{beat}/{unit}" for beat, unit in zip(beats, units, strict=True))
    meters["none"] = int((np.diff(first) == 0).sum())
    meters["changing"] = int((np.diff(first) > 1).sum())
    keys = Counter(None if number == NO_KEY else KEYS[number] for number in columns["key"].tolist())
    modes: Counter[str] = Counter()
    for key, count in keys.items():
        modes[key.mode if key else "unknown"] += count
    report.meters = dict(meters.most_common())
    report.modes = dict(modes.most_common())
    styles = Counter(STYLES[number] for number in columns["style"].tolist())
    report.styles = {style or "unknown": count for style, count in styles.most_common()}
    report.keys = {str(key or "unknown"): count for key, count in keys.most_common()}
