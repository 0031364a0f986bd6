"""Files of generated melodies: the requested formats, and a JSON file that records how each melody was made.

A file's name is made of the model, the seed, the melody's number and the first digits of a digest of everything that
made it: `lstm-seed42-001-3f9a1c.mid`. So the same request writes the same names with the same contents, which changes
nothing, and another request writes other names. A file of that name with other contents was changed since, and is never
overwritten.

The JSON is a melody in the `json` format, with a field `provenance` that `read_provenance` reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from typing import Any

from melodysynthesis import __version__, formats
from melodysynthesis.encodings.base import count_bars
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats import files
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.batch import Generated
from melodysynthesis.generation.request import Request
from melodysynthesis.music import TICKS_PER_QUARTER, Melody
from melodysynthesis.notation import format_pitch
from melodysynthesis.runtime.loading import ModelSource
from melodysynthesis.theory import degree, find_key

STRAIN = 1.5
"""Of 36 melodies without rules, by three models, none had so many times the bits a note of people's tunes."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What reproduces a melody: the request for it alone, its number, and the model and program that made it."""

    request: Request
    index: int
    model_sha256: str
    program: str
    melody: Melody


def statistics(melody: Melody) -> dict[str, Any]:
    """What a musician wants to know first; JSON types only. The key is estimated where the melody has none."""
    key = melody.key or find_key(melody)
    lowest, highest = (min(melody.pitches), max(melody.pitches)) if melody.notes else (None, None)
    return {
        "notes": len(melody.notes),
        "bars": count_bars(melody),
        "quarters": melody.duration / TICKS_PER_QUARTER,
        "meter": str(melody.meters[0]) if melody.meters else None,
        "pickup_quarters": melody.pickup / TICKS_PER_QUARTER,
        "key": str(key) if key else None,
        "lowest": None if lowest is None else format_pitch(lowest, key),
        "highest": None if highest is None else format_pitch(highest, key),
        "phrases": len(melody.phrase_ends),
        "final_degree": degree(melody.notes[-1].pitch, key) if melody.notes and key else None,
    }


def provenance(
    made: Generated,
    model: ModelSource,
    originality: dict[str, Any] | None = None,
    *,
    certificate: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """How a melody came about; JSON types only. Its certificate and originality, if known, come last."""
    bits = -made.log_likelihood / log(2)
    return {
        "program": f"melodysynthesis {__version__}",
        "model": {"name": model.name, "sha256": model.sha256, "card": asdict(model.card)},
        "seed": made.request.seed,
        "index": made.index,
        # Defaults too: they may be others when the melody is made again.
        "request": made.request.model_dump(mode="json", exclude_none=True),
        "ended": "by the model" if made.ended else "at the step limit, with a whole bar",
        "tokens_drawn": made.drawn,
        "bits_per_note": bits / made.notes_drawn if made.notes_drawn else None,
        "usual_bits_per_note": usual_bits(model),
        **({"plan": str(made.plan)} if made.plan else {}),
        **({"rules": rules(made)} if made.steering else {}),
        **({"wishes": dict(made.wishes)} if made.wishes else {}),
        **({"judge": asdict(made.judged)} if made.judged else {}),
        "statistics": statistics(made.melody),
        **({"certificate": certificate} if certificate is not None else {}),
        **({"originality": originality} if originality is not None else {}),
    }


def usual_bits(model: ModelSource) -> float | None:
    """Bits a note of people's tunes by the model, as its card says; None where it does not."""
    return model.card.figures.get("test bits per note")


def strained(about: Mapping[str, Any]) -> bool:
    """Whether the rules led a melody far from what the model writes by itself, by what `provenance` says of it."""
    bits, usual = about["bits_per_note"], about["usual_bits_per_note"]
    return "rules" in about and bits is not None and usual is not None and bits > STRAIN * usual


def rules(made: Generated) -> dict[str, Any]:
    """Which rules a melody keeps and how it came to; JSON types only."""
    steering = made.steering
    if steering is None:
        return {}
    return {
        "guaranteed": [name for name in made.request.rules if name not in made.request.wishes],
        "particles": steering.particles,
        "least_effective_particles": round(steering.effective_size, 3),
        "log2_probability": round(steering.log_probability / log(2), 3),
        "attempts": steering.attempts,
    }


def stem_of(
    made: Generated, model: ModelSource, originality: dict[str, Any] | None = None, backing: bool = False
) -> str:
    """The name of a melody's files, without suffix; see the module's docstring."""
    everything = [
        __version__,
        model.sha256,
        made.index,
        made.request.model_dump(mode="json", exclude={"model", "judge"}),
    ]
    everything += [made.judged.sha256] if made.judged else []
    everything += [originality] if originality is not None else []
    tempo_before = made.request.basis.tempo if made.request.basis else None
    everything += [made.melody.tempo] if made.melody.tempo != tempo_before else []
    everything += ["backing"] if backing else []
    chords_before = made.request.basis.chords if made.request.basis else ()
    if made.melody.chords not in ((), chords_before) and not made.request.chords:
        everything += [made.melody.chords]  # found for the melody
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:6]
    name = re.sub(r"[^A-Za-z0-9]+", "-", Path(model.name).stem).strip("-") or "model"
    return f"{name}-seed{made.request.seed}-{made.index + 1:03d}-{digest}"


def suffixes_of(names: Sequence[str]) -> list[str]:
    """The suffixes of formats by name, each once and in order; ".json" is not among them, as it is always written.

    Raises:
        FormatError: for a format that is unknown or can't be written.
    """
    suffixes: dict[str, None] = {}
    for name in names:
        format = formats.named(name)
        if format.write is None:
            raise FormatError(f"{format.name} can be read, not written")
        by_name = "." + name.lower().removeprefix(".")
        suffixes[by_name if by_name in format.suffixes else format.suffixes[0]] = None
    suffixes.pop(".json", None)
    return list(suffixes)


def prepare(folder: Path) -> None:
    """Make the folder if it is not there, and see that files can be written to it, before time is spent.

    Raises:
        FormatError: if not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileExistsError):
            reason = "there is a file of that name"
        raise FormatError(f"the folder can't be made: {reason}", str(folder), "can't write") from None
    probe = folder / ".melody-probe.tmp"
    try:
        files.save(probe, b"")
    except FormatError as error:
        raise FormatError(error.reason.replace("can't", "a file here can't"), files.shown(folder), error.kind) from None
    probe.unlink(missing_ok=True)


def write(
    made: Generated,
    model: ModelSource,
    suffixes: Sequence[str],
    folder: Path,
    originality: dict[str, Any] | None = None,
    *,
    certificate: dict[str, Any] | None = None,
    backing: bool = False,
) -> list[Path]:
    """Write a melody's files and its JSON; all of them or none.

    What was found of its originality goes into the JSON, and so into the name; the certificate goes into the JSON only,
    as it follows from the request. With `backing` a MIDI file plays the chords, too.

    Returns:
        their paths, the JSON last.

    Raises:
        FormatError: if a format can't say the melody, a file can't be written, or one of that name has other contents.
    """
    stem = stem_of(made, model, originality, backing)
    about = melody_json.to_dict(made.melody) | {
        "provenance": provenance(made, model, originality, certificate=certificate)
    }
    contents = {folder / f"{stem}{suffix}": formats.to_bytes(made.melody, suffix, backing) for suffix in suffixes}
    contents[folder / f"{stem}.json"] = _json(about)
    new = {path: data for path, data in contents.items() if not _is_there(path, data)}
    written: list[Path] = []
    try:
        for path, data in new.items():
            files.save(path, data)
            written.append(path)
    except BaseException:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise
    return list(contents)


def _json(value: Any) -> bytes:
    """JSON that people can read too: indented, but for lists of numbers, which stay in a line."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    # No string holds a bare line break, so what starts with one is outside of strings.
    text = re.sub(r'\[\n[^][{}"]*\]', lambda found: f"[{' '.join(found[0][1:-1].split())}]", text)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _is_there(path: Path, data: bytes) -> bool:
    """Whether the file is there with these contents."""
    try:
        if path.read_bytes() == data:
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FormatError(f"can't be read: {error.strerror}", str(path), "can't write") from None
    raise FormatError("there is another file of this name: move it, or choose another folder", str(path), "can't write")


def read_provenance(path: Path) -> Provenance:
    """Read the JSON file of a generated melody.

    Raises:
        FormatError: if it is no such file.
        RequestError: if the request in it can't be made any more.
    """
    data = files.load(path)
    melody = formats.read_bytes(data, "json", str(path)).melodies[0]
    record = json.loads(data)
    try:
        about = record["provenance"]
        fields, index = dict(about["request"]), int(about["index"])
        sha256, program = str(about["model"]["sha256"]), str(about["program"])
    except (KeyError, TypeError, ValueError):
        raise FormatError("it does not say how the melody was generated", str(path), "no provenance") from None
    if index < 0:
        raise RequestError(f"{path}: melody number {index} is below 0")
    return Provenance(Request(**{"drafts": 1} | fields | {"count": 1}), index, sha256, program, melody)
