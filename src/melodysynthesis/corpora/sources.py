"""Where corpora come from: the named collections, and any file or folder of the user's.

The collections lie in the music21 package. It is found on disk without importing it, and nothing of it is
copied: each collection's licence is read from there.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from melodysynthesis import formats
from melodysynthesis.errors import CorpusError, unknown
from melodysynthesis.formats import abc, files
from melodysynthesis.formats.base import Reading
from melodysynthesis.music import Key, Melody
from melodysynthesis.theory import infer_mode

DEFAULT = "essen-german"
_HOW_TO_INSTALL = "pip install 'melodysynthesis[corpora]'"
MAX_FOLDER_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Files, and how to read them.

    Attributes:
        name: what a user types; of a user's own files, their path.
        title: one line for people.
        folder: within music21's corpus; of a user's own files, their path.
        patterns: glob patterns of the files in the folder; empty for every readable file at any depth.
        licence: file within music21's corpus that states the licence.
        read: the melodies of one file's bytes, given its name and the part to take, or None.
        adapt: what the collection leaves to be completed in each melody.
    """

    name: str
    title: str
    folder: str
    patterns: tuple[str, ...]
    licence: str
    read: Callable[[bytes, str, str | None], Reading]
    adapt: Callable[[Melody], Melody] | None = None

    def files(self) -> list[Path]:
        """The files in a fixed order.

        Raises:
            CorpusError: if music21 is not installed, or no readable file is there.
        """
        root = Path(self.folder) if not self.licence else music21_corpus(self.name) / self.folder
        if root.is_file():
            return [root]
        if self.patterns:
            found = [path for pattern in self.patterns for path in root.glob(pattern)]
        else:
            found = list(_readable(root))
        if not found:
            suffixes = " ".join(sorted(s for f in formats.FORMATS.values() if f.read for s in f.suffixes))
            raise CorpusError(f"corpus {self.name!r}: no readable file in {root}; readable are {suffixes}")
        return sorted(found)

    def name_of(self, path: Path) -> str:
        """A file's name for messages and `Melody.source`: its path within the corpus."""
        root = Path(self.folder)
        inside = not self.licence and root.is_dir() and path.is_relative_to(root)
        return files.shown(path.relative_to(root).as_posix() if inside else path.name)

    def licence_text(self) -> str:
        """The licence as the collection states it; empty for the user's own files.

        Raises:
            CorpusError: if music21 is not installed.
        """
        if not self.licence:
            return ""
        return (music21_corpus(self.name) / self.licence).read_text("utf-8", "replace")


def _essen(data: bytes, name: str, part: str | None) -> Reading:
    return abc.read(data, name, part, dialect=abc.ESSEN)


def _tune_book(data: bytes, name: str, part: str | None) -> Reading:
    return abc.read(data, name, part, dialect=abc.TUNE_BOOK)


def _with_mode(melody: Melody) -> Melody:
    """Essen states a tonic, always as major; the third that sounds tells the mode."""
    if melody.key is None or infer_mode(melody, melody.key.pitch_class) == "major":
        return melody
    return Melody(
        melody.notes, melody.duration, melody.meters, Key(melody.key.tonic, "minor"),
        melody.phrase_ends, melody.pickup, melody.source,
    )  # fmt: skip


_GERMAN = (
    "altdeu*.abc", "ballad*.abc", "boehme*.abc", "dva0.abc", "erk*.abc", "fink0.abc", "kinder0.abc",
    "variant0.abc", "zuccal0.abc",
)  # fmt: skip
_ESSEN_LICENCE = "essenFolksong/license.txt"

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "essen-german", "6,008 German folk songs of the Essen collection (non-commercial)",
            "essenFolksong", _GERMAN, _ESSEN_LICENCE, _essen, _with_mode,
        ),
        Source(
            "essen-all", "8,514 folk songs of the Essen collection, German to Chinese (non-commercial)",
            "essenFolksong", ("*.abc",), _ESSEN_LICENCE, _essen, _with_mode,
        ),
        Source(
            "oneills", "O'Neill's Music of Ireland, 1850 tunes and variants",
            "oneills1850", ("*.abc",), "license.txt", _tune_book,
        ),
        Source(
            "airds", "Aird's Airs: Scottish, English, Irish and foreign airs, six books",
            "airdsAirs", ("*.abc",), "license.txt", _tune_book,
        ),
        Source(
            "ryans", "Ryan's Mammoth Collection: reels, jigs and hornpipes",
            "ryansMammoth", ("*.abc",), "license.txt", _tune_book,
        ),
        Source(
            "public-domain", "O'Neill's, Aird's and Ryan's collections together, printed from 1782 to 1903",
            "", ("oneills1850/*.abc", "airdsAirs/*.abc", "ryansMammoth/*.abc"), "license.txt", _tune_book,
        ),
    )
}  # fmt: skip
"""The collections that can be named."""


def find_source(name: str | os.PathLike[str]) -> Source:
    """The source of a name, or of a file or folder of the user's. A name goes before a folder of that name.

    Raises:
        CorpusError: if there is neither, suggesting the nearest names.
    """
    text = os.fspath(name)
    if text in SOURCES:
        return SOURCES[text]
    path = Path(text).expanduser()
    if text and path.exists():
        return Source(text, f"files in {text}", os.path.abspath(path), (), "", _own_file)
    raise CorpusError(f"{unknown('corpus', text[:80], SOURCES)} (or give an existing file or folder)")


def _own_file(data: bytes, name: str, part: str | None) -> Reading:
    return formats.read_bytes(data, formats.format_of(name).name, name, part)


def _readable(root: Path) -> Iterator[Path]:
    """The files to read below a folder, and the folders that can't be listed: reading these says why."""
    suffixes = {suffix for format in formats.FORMATS.values() if format.read for suffix in format.suffixes}
    closed: list[Path] = []
    count = 0
    for folder, _, names in os.walk(root, onerror=lambda error: closed.append(Path(error.filename))):
        count += len(names)
        if count > MAX_FOLDER_FILES:
            raise CorpusError(f"{root} holds more than {MAX_FOLDER_FILES:,} files")
        paths = (Path(folder, name) for name in names)
        yield from (path for path in paths if path.suffix.lower() in suffixes and path.is_file())
    yield from closed


def music21_corpus(needed_for: str) -> Path:
    """The corpus folder in the installed music21 package, without importing it.

    Raises:
        CorpusError: if it is not installed, with the command that installs it.
    """
    spec = importlib.util.find_spec("music21")
    folders = spec.submodule_search_locations if spec else None
    corpus = Path(folders[0]) / "corpus" if folders else None
    if corpus is None or not corpus.is_dir():
        raise CorpusError(f"corpus {needed_for!r} is part of music21, which is not installed: {_HOW_TO_INSTALL}")
    return corpus
