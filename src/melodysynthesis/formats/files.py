"""Bytes from and to the file system: bounded reading, and writing that leaves the whole file or none."""

from __future__ import annotations

import contextlib
import difflib
import os
import secrets
from pathlib import Path

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.limits import MAX_FILE_BYTES, check_file_size

PathLike = str | os.PathLike[str]


def shown(path: PathLike) -> str:
    """A file's name as text that can be printed and written: bytes that are no UTF-8 and control characters escaped."""
    text = os.fspath(path).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def load(path: PathLike, limit: int = MAX_FILE_BYTES) -> bytes:
    """The bytes of a file of at most `limit` bytes. No more than that is read, whatever the file claims.

    Raises:
        FormatError: if there is no such file (the nearest is suggested), it can't be read, or it is larger.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            check_file_size(os.fstat(file.fileno()).st_size, shown(path), limit)
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise FormatError(f"no such file{_nearest(path)}", shown(path), "no such file") from None
    except IsADirectoryError:
        raise FormatError("this is a folder, not a file", shown(path), "no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or str(error)
        kind = "no permission" if isinstance(error, PermissionError) else "no such file"
        raise FormatError(f"can't be read: {reason}", shown(path), kind) from None
    check_file_size(len(data), shown(path), limit)
    return data


def save(path: PathLike, data: bytes) -> None:
    """Write a file whole or not at all: into a new file in the same folder, which then takes its name.

    The folder must exist. A symbolic link is followed. A device or pipe is written to directly.

    Raises:
        FormatError: kind ``"can't write"``, if the folder is missing or can't be written to, or the disk is
            full. A file that was there before is left as it was.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_bytes(data)
        else:
            _replace(target, data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if not target.parent.is_dir():
            reason = f"there is no folder {str(target.parent)!r}"
        raise FormatError(f"can't be written: {reason}", shown(path), "can't write") from None


def _replace(target: Path, data: bytes) -> None:
    # not tempfile: its files are private to the user, and would stay so under their new name
    draft = target.with_name(f".melody-{secrets.token_hex(6)}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
        draft.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _nearest(path: Path) -> str:
    try:
        names = os.listdir(path.parent)
    except OSError:
        return f": there is no folder {str(path.parent)!r}"
    near = difflib.get_close_matches(path.name, names[:10_000], n=1, cutoff=0.7)
    return f"; did you mean {near[0]!r}?" if near else ""
