"""An evaluation as files: figures as JSON, a Markdown table, one row a tune as CSV, and the plots."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from melodysynthesis.errors import FormatError
from melodysynthesis.evaluation.breakdown import NoteGroup
from melodysynthesis.evaluation.prediction import Prediction
from melodysynthesis.formats import files
from melodysynthesis.runtime.base import ModelCard


@dataclass(frozen=True, slots=True)
class Report:
    """A model's prediction and those of baselines on the same tunes.

    Attributes:
        model: name or file, as the user gave it.
        card: of the model.
        data: what was predicted, in words: ``"essen-german, test"``.
        found: the model's prediction.
        baselines: theirs, by name.
        history: lines of the run's training history, empty where it is not known.
        parts: the model's bits per note and accuracy by kind of note (`evaluation.breakdown`), empty for a text.
    """

    model: str
    card: ModelCard
    data: str
    found: Prediction
    baselines: Mapping[str, Prediction] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    parts: Mapping[str, Sequence[NoteGroup]] = field(default_factory=dict)

    @property
    def judged(self) -> dict[str, Prediction]:
        """The model's prediction first, then the baselines', by name."""
        return {self.model: self.found, **self.baselines}

    def figures(self) -> dict[str, Any]:
        """All figures as JSON types; what is not known is None."""
        values = {
            "model": self.model,
            "data": self.data,
            "encoding": self.found.encoding.name,
            "card": asdict(self.card),
            **self.found.figures(),
            "breakdown": {
                name: {
                    part.name: {"notes": part.notes, "bits": part.bits.figures(), "accuracy": part.accuracy.figures()}
                    for part in parts
                }
                for name, parts in self.parts.items()
            },
            "baselines": {name: found.figures() for name, found in self.baselines.items()},
        }
        return {name: _without_nan(value) for name, value in values.items()}


def comparison(report: Report) -> list[list[str]]:
    """The table, header first: a row a measure, a column a model, and each group's share of the tokens."""
    judged = report.judged.values()
    bits = [found.bits_per_note() for found in judged]
    rows = [
        ["", *report.judged, "share"],
        ["bits per note", *(f"{interval.value:.3f}" for interval in bits), ""],
        ["95 % interval", *(f"[{interval.low:.3f}, {interval.high:.3f}]" for interval in bits), ""],
        ["phrase bits/note", *(f"{found.phrase_bits_per_note().value:.3f}" for found in judged), ""],
        ["loss, nats/token", *(f"{found.loss:.4f}" for found in judged), ""],
        ["accuracy", *(f"{found.accuracy:.2%}" for found in judged), "100.0%"],
    ]
    by_group = [found.by_group() for found in judged]
    for name, group in by_group[0].items():
        rows.append([f"accuracy, {name}", *(f"{of[name]['accuracy']:.1%}" for of in by_group), f"{group['share']:.1%}"])
    return rows


def breakdown_table(name: str, parts: Sequence[NoteGroup]) -> list[list[str]]:
    """The table of one breakdown, header first."""
    rows = [[name, "notes", "bits per note", "accuracy"]]
    for part in parts:
        share, low, high = part.accuracy.value, part.accuracy.low, part.accuracy.high
        rows.append([part.name, f"{part.notes:,}", str(part.bits), f"{share:.1%} [{low:.1%}, {high:.1%}]"])
    return rows


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    header, *rest = rows
    return ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rest)]


def markdown(report: Report) -> str:
    """The report as Markdown: what was judged, the table, and what the words mean."""
    found = report.found
    plots = [f"![{name}]({name}.png)" for name in drawings(report)]
    lines = [
        f"# {report.model} on {report.data}",
        "",
        f"{len(found.sources):,} tunes, {found.notes.sum():,} notes, {found.tokens.sum():,} tokens of the encoding "
        f"`{found.encoding.name}`; {found.protocol}.",
        *([f"{len(found.rejected):,} tunes can't be written in this encoding."] if found.rejected else []),
        "",
        *_table(comparison(report)),
        "",
        "Accuracy counts every token; below it is split by kind of token. Bits per note are the cost of "
        "pitches, rests, durations, length and end, with tonic, mode and meter given; the cost of phrase marks is "
        "apart. Intervals are 95 % percentile intervals of a bootstrap over tunes.",
        "",
        f"Among the 3 and 5 most likely: {found.top(3):.2%} and {found.top(5):.2%}. "
        f"Expected calibration error: {found.calibration_error:.2%}.",
        "",
        *(line for name, parts in report.parts.items() for line in (*_table(breakdown_table(name, parts)), "")),
        *plots,
    ]
    return "\n".join(lines) + "\n"


def drawings(report: Report) -> dict[str, Any]:
    """The plots by file name, as functions that draw them."""
    from melodysynthesis.evaluation import plots

    of_model = f"{report.model} on {report.data}"
    made = {
        "confusion_matrix": lambda: plots.confusion_matrix(report.found, f"Confusion: {of_model}"),
        "classification_counts": lambda: plots.classification_counts(report.found, f"Counts: {of_model}"),
        "confusion_by_kind": lambda: plots.confusion_by_kind(report.found, f"Confusion: {of_model}"),
        "reliability": lambda: plots.reliability(report.found, f"Calibration: {of_model}"),
    }
    if report.parts:
        made["breakdown"] = lambda: plots.breakdown(report.parts, f"What costs how much: {of_model}")
    if report.history:
        made["training_history"] = lambda: plots.training_history(report.history, f"Training of {report.model}")
    return made


def tunes_csv(report: Report) -> str:
    """One row a tune: source, notes, tokens, and of each model bits per tune, so that models can be paired."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    names = list(report.judged)
    table.writerow(["source", "notes", *(f"{name}: {what}" for name in names for what in ("music bits", "nats"))])
    for tune, source in enumerate(report.found.sources):
        costs = [
            value for found in report.judged.values() for value in (found.music_bits[tune].sum(), found.nats[tune])
        ]
        table.writerow([source, report.found.notes[tune], *(f"{cost:.6f}" for cost in costs)])
    return buffer.getvalue()


def write(report: Report, folder: files.PathLike) -> list[Path]:
    """Write ``figures.json``, ``report.md``, ``tunes.csv`` and the plots into a folder, which is made if need be.

    All contents are made before the first file is written, and each file is written whole or not at all.

    Raises:
        FormatError: if the folder can't be made or written to.
    """
    from melodysynthesis.evaluation import plotting

    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"the folder can't be made: {error.strerror}", str(folder), "can't write") from None
    figures = json.dumps(report.figures(), ensure_ascii=False, indent=1, allow_nan=False)
    contents = {
        "figures.json": figures.encode() + b"\n",
        "report.md": markdown(report).encode(),
        "tunes.csv": tunes_csv(report).encode(),
        **{f"{name}.png": plotting.png(draw()) for name, draw in drawings(report).items()},
    }
    for name, data in contents.items():
        files.save(folder / name, data)
    return [folder / name for name in contents]


def read_history(path: Path) -> list[dict[str, Any]]:
    """Lines of a run's ``history.jsonl``; none if there is no such file. A last line that is cut off is left out."""
    lines: list[dict[str, Any]] = []
    if not path.is_file():
        return lines
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def _without_nan(value: Any) -> Any:
    """The value with None for every number that JSON can't say."""
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
