"""What a report is made of: sections of tables, charts and melodies, which become HTML or Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from melodysynthesis.music import Melody
from melodysynthesis.study.plots import Mark


class ReportCell(NamedTuple):
    """Text of a table's cell, a smaller line below it, and whether it is highlighted as outside the human band."""

    text: str
    small: str = ""
    out: bool = False


class ReportRow(NamedTuple):
    """A row of a table: its cells, the model's mark, and whether it is the best."""

    cells: Sequence[ReportCell]
    mark: Mark | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table, with a caption below it."""

    header: Sequence[str]
    rows: Sequence[ReportRow]
    caption: str = ""
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot as SVG; `name` is for its file."""

    name: str
    svg: str
    caption: str
    kind: str = "chart"


@dataclass(frozen=True, slots=True)
class MelodyExample:
    """A melody to be shown and played."""

    title: str
    about: str
    melody: Melody


@dataclass(frozen=True, slots=True)
class Examples:
    """Melodies to be shown and played."""

    examples: Sequence[MelodyExample]
    kind: str = "examples"


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of the report; without parts it is left out."""

    title: str
    text: str
    parts: Sequence[ReportTable | Chart | Examples] = ()

    @property
    def anchor(self) -> str:
        """For links."""
        return self.title.lower().replace(" ", "-")
