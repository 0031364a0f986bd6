"""What building a corpus found: values that print, and go to JSON and back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Reject:
    """A tune or file that is not in the corpus: `where` with file and tune number, `reason`, and its `kind`."""

    where: str
    reason: str
    kind: str


@dataclass(frozen=True, slots=True)
class SplitSize:
    """What one split holds."""

    tunes: int
    notes: int
    families: int


def summed(notices: Iterable[str]) -> list[str]:
    """Notices of many files as one line for each kind, the most frequent first.

    Notices are of one kind if they differ only in numbers and quoted names. A kind of tunes counts tunes:
    ``"7 tunes with chords; ..."``. Any other counts files, and gives one notice as the example:
    ``"took the top line, leaving out 3 of 60 notes (12 such files)"``.
    """
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for notice in notices:
        text = notice.partition(": ")[2] or notice
        match = re.match(r"(\d+) tunes? (.*)", text)
        kind = f"tunes {match[2]}" if match else re.sub(r"'[^']*'|\"[^\"]*\"|-?\d+(/\d+)?|\b[A-G][#b]* \w+", "*", text)
        counts[kind] += int(match[1]) if match else 1
        examples.setdefault(kind, text)
    return [
        f"{count} {kind}"
        if kind.startswith("tunes ")
        else f"{examples[kind]} ({count} {_files(kind, examples, count)})"
        for kind, count in counts.most_common()
    ]


def _files(kind: str, examples: Mapping[str, str], count: int) -> str:
    such = "such " if "*" in kind and count > 1 else ""
    return f"{such}file{'s' * (count != 1)}"


@dataclass(slots=True)
class BuildReport:
    """The figures of a corpus.

    Attributes:
        name: of the corpus.
        splits_version: of the rule that made families and splits.
        files: read.
        read: tunes found, kept or not.
        kept: tunes in the corpus.
        rejects: the others, each with file, tune number and reason.
        notices: what the readers decided, one line for each time; `summed` has one for each kind.
        exact_duplicates: kept tunes whose notes equal an earlier tune's, up to transposition.
        near_duplicates: kept tunes more than half of whose 13-note runs stand in other tunes.
        families: their number.
        family_sizes: number of families of each size.
        splits: sizes by name of split.
        longest_shared_run: notes of the longest run that two splits share, up to transposition and note values.
        longest_shared_merged: the same with repeated notes merged.
        edits_compared: whether tunes were compared by edit distance, too; very large corpora are not.
        meters: tunes by meter at the start; ``"none"`` without, ``"changing"`` counted separately.
        modes: tunes by mode; ``"unknown"`` without key.
        styles: tunes by kind of music; ``"unknown"`` of the user's own files.
        keys: tunes by key.
        seconds: how long the build took.
    """

    name: str
    splits_version: int
    files: int = 0
    read: int = 0
    kept: int = 0
    rejects: list[Reject] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    exact_duplicates: int = 0
    near_duplicates: int = 0
    families: int = 0
    family_sizes: dict[int, int] = field(default_factory=dict)
    splits: dict[str, SplitSize] = field(default_factory=dict)
    longest_shared_run: int = 0
    longest_shared_merged: int = 0
    edits_compared: bool = True
    meters: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    styles: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def rejected(self) -> dict[str, int]:
        """Number of rejects by kind, most frequent first."""
        return dict(Counter(reject.kind for reject in self.rejects).most_common())

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` is the inverse."""
        return asdict(self) | {"rejected": self.rejected}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The report that `as_dict` gave, also after a way through JSON (whose keys are text)."""
        known = dict(values)
        known.pop("rejected", None)
        known["rejects"] = [Reject(**reject) for reject in known["rejects"]]
        known["splits"] = {name: SplitSize(**size) for name, size in known["splits"].items()}
        known["family_sizes"] = {int(size): count for size, count in known["family_sizes"].items()}
        return cls(**known)
