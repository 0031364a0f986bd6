"""Predictions as a file, so that any program's model is scored on the same tunes by the same code.

The file is text, a JSON object a line. The first line says what was predicted, each other line what one tune costs:

    {"format": "melody predictions 1", "tunes": "3f9a1c...", "model": "my model"}
    {"tune": "altdeu10.abc no. 4, Herzog Ernst", "notes": 120, "bits": 402.7}

`tunes` is the `digest_of` the tunes, as the file of the tunes says it. `bits` is minus the base-2 logarithm of the
probability that the model gives to all of the tune's notes, rests and durations, its pickup, number of bars and end,
given tonic, mode, meter and its changes, and where phrases end. A model that is not given one of these pays for it in
its bits, and says so in its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.errors import FormatError
from melodysynthesis.evaluation.prediction import Prediction
from melodysynthesis.evaluation.statistics import Comparison, Interval, bootstrap_ratio, compare_paired
from melodysynthesis.formats import files
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import Melody

FORMAT = "melody predictions 1"
MAX_BITS_OF_NOTE = 10_000.0
"""More bits for a note of a tune than any model means."""


@dataclass(frozen=True, slots=True)
class TuneBits:
    """What a model's predictions cost, tune by tune.

    Attributes:
        model: its name.
        bits: (tunes,) of each tune, in the order of the tunes.
        notes: (tunes,) how many notes each has.
    """

    model: str
    bits: NDArray[np.float64]
    notes: NDArray[np.int64]

    def bits_per_note(self, seed: int = 0) -> Interval:
        """All bits over all notes, with its 95 % bootstrap interval over tunes."""
        return bootstrap_ratio(self.bits, self.notes, seed=seed)

    def less(self, other: TuneBits, seed: int = 0) -> Comparison:
        """The difference to another model on the same tunes, in bits a note; below 0 this one is better."""
        return compare_paired(self.bits, other.bits, self.notes, seed=seed)


def digest_of(tunes: Sequence[Melody]) -> str:
    """Hex digits that tell sets of tunes apart: of their names and notes, in order."""
    digest = hashlib.sha256()
    for tune in tunes:
        digest.update(json.dumps([tune.source, tune.notes, tune.duration]).encode())
    return digest.hexdigest()[:16]


def tunes_text(tunes: Sequence[Melody]) -> str:
    """The tunes to predict: a line with their digest, then each as a melody in the `json` format, with its name."""
    lines = [{"format": "melody tunes 1", "tunes": digest_of(tunes)}]
    lines += [{"tune": tune.source, **melody_json.to_dict(tune)} for tune in tunes]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def predictions_text(model: str, tunes: Sequence[Melody], found: Prediction) -> str:
    """What `evaluate` found, as a file of predictions.

    Raises:
        FormatError: if the model's encoding can't represent all of the tunes.
    """
    if found.rejected:
        raise FormatError(f"{len(found.rejected)} tunes have no prediction; the first: {found.rejected[0]}")
    lines: list[dict[str, Any]] = [{"format": FORMAT, "tunes": digest_of(tunes), "model": model}]
    bits = found.music_bits.sum(axis=1)
    for number, notes, cost in zip(found.numbers, found.notes.tolist(), bits.tolist(), strict=True):
        lines.append({"tune": tunes[number].source, "notes": notes, "bits": round(cost, 6)})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def read_predictions(path: Path, tunes: Sequence[Melody]) -> TuneBits:
    """Read a file of predictions for some tunes.

    Raises:
        FormatError: naming the line, for a file of another form, other tunes, a tune that is missing or twice there,
            another number of notes, or bits that are no finite number of at least 0.
    """
    lines = _objects(path)
    number, head = next(lines, (1, {}))
    if head.get("format") != FORMAT:
        raise _wrong(path, number, f"expected a first line with the format {FORMAT!r}")
    if head.get("tunes") != digest_of(tunes):
        raise _wrong(
            path, number, f"predicts other tunes: its digest is {head.get('tunes')!r}, not {digest_of(tunes)!r}"
        )
    places = {tune.source: place for place, tune in enumerate(tunes)}
    bits = np.full(len(tunes), np.nan)
    for number, line in lines:
        place = places.get(line.get("tune", ""))
        if place is None:
            raise _wrong(path, number, f"{str(line.get('tune'))[:60]!r} is none of the {len(tunes):,} tunes")
        if np.isfinite(bits[place]):
            raise _wrong(path, number, f"{tunes[place].source!r} is there twice")
        notes = len(tunes[place].notes)
        if line.get("notes") != notes:
            raise _wrong(path, number, f"{tunes[place].source!r} has {notes} notes, not {str(line.get('notes'))[:20]}")
        cost = _number(line.get("bits"))
        if not 0 <= cost <= MAX_BITS_OF_NOTE * notes:
            raise _wrong(path, number, f"bits {str(line.get('bits'))[:20]!r}: expected a finite number of at least 0")
        bits[place] = cost
    missing = np.flatnonzero(np.isnan(bits))
    if len(missing):
        first = tunes[int(missing[0])].source
        raise FormatError(f"{len(missing):,} of {len(tunes):,} tunes are missing; the first: {first}", str(path))
    model = head.get("model")
    name = model if isinstance(model, str) and model else path.stem
    return TuneBits(name, bits, np.array([len(tune.notes) for tune in tunes]))


def _number(value: object) -> float:
    """A number of JSON; NaN for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and JSON object of each line that is not empty."""
    try:
        text = files.load(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"byte {error.start} is not text", str(path), "not text") from None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise _wrong(path, number, "expected a JSON object") from None
        if not isinstance(value, dict):
            raise _wrong(path, number, "expected a JSON object")
        yield number, value


def _wrong(path: Path, line: int, reason: str) -> FormatError:
    return FormatError(f"line {line}: {reason}", str(path))
