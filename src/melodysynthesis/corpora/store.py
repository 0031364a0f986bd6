"""A corpus on disk: one file of columns that is mapped into memory, written whole or not at all.

    magic, header length (8 bytes), header (JSON), then each column, aligned to 64 bytes

The header holds the fingerprint of what the corpus was built from, its report, and where each column lies.
The columns of notes, meters, phrases and source texts run through all tunes; a `first_` column says where
each tune's part starts, and ends with their number.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.errors import CorpusError
from melodysynthesis.music import MODES, STEPS, Key, Melody, Meter, Note

_MAGIC = b"melodies 1\n"
_ALIGN = 64
_CHECKED_BYTES = 64 * 2**20
"""The checksum covers this much: reading all of a corpus larger than memory would take longer than it saves."""

COLUMNS: dict[str, str] = {
    "first_note": "<i8", "onset": "<i4", "duration": "<i4", "pitch": "u1",
    "first_meter": "<i8", "meter_tick": "<i4", "beats": "u1", "beat_unit": "u1",
    "first_phrase": "<i8", "phrase_end": "<i4",
    "first_byte": "<i8", "source": "u1",
    "length": "<i4", "pickup": "<i4", "key": "u1", "file": "<i4",
    "split": "u1", "family": "<i4", "style": "u1",
}  # fmt: skip
"""Columns and their types. `length` is a melody's duration, `key` its place in `KEYS`, `file` that of its file,
`style` its place in `sources.STYLES`."""

NO_KEY = 255
KEYS = [Key(step + sign, mode) for mode in MODES for step in STEPS for sign in ("", "#", "b", "##", "bb")]
_KEY_NUMBERS = {key: number for number, key in enumerate(KEYS)} | {None: NO_KEY}

Columns = Mapping[str, NDArray[Any]]


def cache_folder() -> Path:
    """Where corpora are kept: `MELODYSYNTHESIS_CACHE`, else the user's cache folder."""
    if own := os.environ.get("MELODYSYNTHESIS_CACHE"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    return Path(base).expanduser() / "melodysynthesis"


class Spool:
    """Columns while they are being collected, on disk, so that a corpus may be larger than memory."""

    def __init__(self, folder: Path) -> None:
        """Spool into a temporary folder inside `folder`, which is made if need be.

        Raises:
            CorpusError: if it can't be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(dir=folder, prefix=".building-")
        except OSError as error:
            raise _cannot_write(folder, error) from None
        self._files: dict[str, IO[bytes]] = {}
        self._counts = {"note": 0, "meter": 0, "phrase": 0, "byte": 0}
        self._waiting: dict[str, list[int]] = {name: [] for name in COLUMNS}
        for kind in self._counts:
            self._waiting[f"first_{kind}"].append(0)
        self.tunes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()
        self._folder.cleanup()

    def add(self, melody: Melody, file: int) -> None:
        """Append one tune."""
        waiting, text = self._waiting, melody.source.encode()
        if melody.notes:
            onsets, durations, pitches = zip(*melody.notes, strict=True)
            waiting["onset"].extend(onsets)
            waiting["duration"].extend(durations)
            waiting["pitch"].extend(pitches)
        for meter in melody.meters:
            waiting["meter_tick"].append(meter.tick)
            waiting["beats"].append(meter.beats)
            waiting["beat_unit"].append(meter.beat_unit)
        waiting["phrase_end"].extend(melody.phrase_ends)
        waiting["source"].extend(text)
        sizes = (len(melody.notes), len(melody.meters), len(melody.phrase_ends), len(text))
        for kind, size in zip(self._counts, sizes, strict=True):
            self._counts[kind] += size
            waiting[f"first_{kind}"].append(self._counts[kind])
        waiting["length"].append(melody.duration)
        waiting["pickup"].append(melody.pickup)
        waiting["key"].append(_KEY_NUMBERS[melody.key])
        waiting["file"].append(file)
        self.tunes += 1
        if len(waiting["onset"]) > 200_000:
            self.flush()

    def set_column(self, name: str, values: NDArray[Any]) -> None:
        """Fill a column that is known only when all tunes are."""
        self._waiting[name] = values.tolist()

    def flush(self) -> None:
        """Write what waits to disk."""
        try:
            for name, values in self._waiting.items():
                if name not in self._files:
                    self._files[name] = (Path(self._folder.name) / name).open("w+b")
                self._files[name].write(np.array(values, COLUMNS[name]).tobytes())
                self._files[name].flush()
                values.clear()
        except OSError as error:
            raise _cannot_write(Path(self._folder.name).parent, error) from None

    def columns(self) -> Columns:
        """What has been collected, mapped into memory."""
        self.flush()
        return {name: self._map(name) for name in COLUMNS}

    def _map(self, name: str) -> NDArray[Any]:
        path = Path(self._folder.name) / name
        return np.memmap(path, COLUMNS[name], "r") if path.stat().st_size else np.zeros(0, COLUMNS[name])

    def save(self, target: Path, header: dict[str, Any]) -> None:
        """Write the columns to their one file, under its name only when complete.

        Raises:
            CorpusError: if it can't be written; a file that was there is left as it was.
        """
        self.flush()
        sizes = {name: self._files[name].tell() for name in COLUMNS}
        header = header | {"columns": sizes, "checksum": self._checksum()}
        text = json.dumps(header).encode()
        draft = target.with_name(f".{target.name}-{secrets.token_hex(6)}.tmp")
        try:
            with draft.open("xb") as out:
                out.write(_MAGIC + len(text).to_bytes(8, "little") + text)
                for name in COLUMNS:
                    out.write(bytes(-out.tell() % _ALIGN))
                    self._files[name].seek(0)
                    while chunk := self._files[name].read(2**20):
                        out.write(chunk)
            draft.replace(target)
        except OSError as error:
            raise _cannot_write(target.parent, error) from None
        finally:
            draft.unlink(missing_ok=True)

    def _checksum(self) -> int:
        checksum = 0
        for column in self.columns().values():
            checksum = zlib.crc32(column[: _CHECKED_BYTES // column.itemsize].data, checksum)
        return checksum


def open_store(path: Path) -> tuple[dict[str, Any], Columns] | None:
    """Header and columns of a corpus file; None if it is missing, damaged or of another version."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return None
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, os.fstat(file.fileno()).st_size)))
        whole = np.memmap(path, np.uint8, "r")
        columns = dict(_cut(whole, header["columns"], len(_MAGIC) + 8 + size))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    checksum = 0
    for column in columns.values():
        checksum = zlib.crc32(column[: _CHECKED_BYTES // column.itemsize].data, checksum)
    return (header, columns) if checksum == header.get("checksum") else None


def _cut(whole: NDArray[Any], sizes: Mapping[str, int], start: int) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, kind in COLUMNS.items():
        start += -start % _ALIGN
        if start + sizes[name] > len(whole):
            raise ValueError("the file is cut short")
        yield name, whole[start : start + sizes[name]].view(kind)
        start += sizes[name]


def melody_at(columns: Columns, index: int) -> Melody:
    """The melody of one tune."""
    notes = slice(*columns["first_note"][index : index + 2].tolist())
    meters = slice(*columns["first_meter"][index : index + 2].tolist())
    phrases = slice(*columns["first_phrase"][index : index + 2].tolist())
    text = slice(*columns["first_byte"][index : index + 2].tolist())
    key = int(columns["key"][index])
    return Melody(
        tuple(map(Note, *(columns[name][notes].tolist() for name in ("onset", "duration", "pitch")))),
        int(columns["length"][index]),
        tuple(map(Meter, *(columns[name][meters].tolist() for name in ("meter_tick", "beats", "beat_unit")))),
        None if key == NO_KEY else KEYS[key],
        tuple(columns["phrase_end"][phrases].tolist()),
        int(columns["pickup"][index]),
        columns["source"][text].tobytes().decode(),
    )


def _cannot_write(folder: Path, error: OSError) -> CorpusError:
    reason = error.strerror or str(error)
    return CorpusError(f"the cache can't be written in {folder}: {reason} (MELODYSYNTHESIS_CACHE names another)")
