"""Where corpora come from: the named collections, and any file or folder of the user's.

The collections lie in the music21 package. It is found on disk without importing it, and nothing of it is
copied: each collection's licence is read from there.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from melodysynthesis import formats
from melodysynthesis.corpora import chorales
from melodysynthesis.errors import CorpusError, unknown
from melodysynthesis.formats import abc, files
from melodysynthesis.formats.base import Reading
from melodysynthesis.music import Key, Melody
from melodysynthesis.theory import infer_mode

DEFAULT = "essen-german"
_HOW_TO_INSTALL = "pip install 'melodysynthesis[corpora]'"
MAX_FOLDER_FILES = 1_000_000


STYLES = ("", "song", "dance", "hymn", "art song")
"""Kinds of music that a collection can be of; "" where it is not known."""


@dataclass(frozen=True, slots=True)
class Source:
    """Files, and how to read them; or several such sources together.

    Attributes:
        name: what a user types, without a folder; of a user's own files, their path.
        title: one line for people.
        folder: within music21's corpus; else an absolute path.
        patterns: glob patterns of the files in the folder; empty for every readable file at any depth.
        licence: file within music21's corpus that states the licence; "" for files that lie elsewhere.
        read: the melodies of one file's bytes, given its name and the part to take, or None.
        adapt: what the collection leaves to be completed in each melody.
        style: one of `STYLES`.
        terms: of use, in one line.
        members: the sources that it puts together, in order; the other fields but name, title and terms are then
            unused.
        locator: what names it from any folder: its name, with the absolute path of its files if they are the user's.
    """

    name: str
    title: str
    folder: str
    patterns: tuple[str, ...]
    licence: str
    read: Callable[[bytes, str, str | None], Reading]
    adapt: Callable[[Melody], Melody] | None = None
    style: str = ""
    terms: str = "see the collection's own statement"
    members: tuple[Source, ...] = ()
    locator: str = ""

    def files(self) -> list[tuple[Source, Path]]:
        """The files in a fixed order, each with the source that says how it is read.

        Raises:
            CorpusError: if music21 is not installed, or no readable file is there.
        """
        if self.members:
            return [found for member in self.members for found in member.files()]
        root = Path(self.folder) if not self.licence else music21_corpus(self.name) / self.folder
        if root.is_file():
            return [(self, root)]
        if self.patterns:
            found = [path for pattern in self.patterns for path in root.glob(pattern)]
        else:
            found = list(_readable(root))
        if not found:
            suffixes = " ".join(sorted(s for f in formats.FORMATS.values() if f.read for s in f.suffixes))
            raise CorpusError(f"corpus {self.name!r}: no readable file in {root}; readable are {suffixes}")
        return [(self, path) for path in sorted(found)]

    @property
    def public_name(self) -> str:
        """What names it without the folders of a machine: for model cards."""
        kind = self.locator.partition(":")[0]
        return f"{kind}:FOLDER" if kind in IN_FOLDERS else Path(self.name).name

    def name_of(self, path: Path) -> str:
        """A file's name for messages and `Melody.source`: its path within the corpus."""
        root = Path(self.folder)
        inside = not self.licence and root.is_dir() and path.is_relative_to(root)
        return files.shown(path.relative_to(root).as_posix() if inside else path.name)

    def licence_text(self) -> str:
        """The licence as the collection states it; the terms of use if it has no such text.

        Raises:
            CorpusError: if music21 is not installed.
        """
        if self.members:
            return "\n\n".join(f"{member.title}\n{member.licence_text()}" for member in self.members)
        if not self.licence:
            return self.terms
        return (music21_corpus(self.name) / self.licence).read_text("utf-8", "replace")


def _own_file(data: bytes, name: str, part: str | None) -> Reading:
    return formats.read_bytes(data, formats.format_of(name).name, name, part)


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


def _essen_source(name: str, title: str, patterns: tuple[str, ...]) -> Source:
    terms = "for non-commercial use"
    return Source(
        name, f"{title} (non-commercial)", "essenFolksong", patterns, _ESSEN_LICENCE, _essen, _with_mode, "song", terms
    )


def _tunes(name: str, title: str, folder: str) -> Source:
    return Source(name, title, folder, ("*.abc",), "license.txt", _tune_book, style="dance")


_ONEILLS = _tunes("oneills", "O'Neill's Music of Ireland, 1850 tunes and variants", "oneills1850")
_AIRDS = _tunes("airds", "Aird's Airs: Scottish, English, Irish and foreign airs, six books", "airdsAirs")
_RYANS = _tunes("ryans", "Ryan's Mammoth Collection: reels, jigs and hornpipes", "ryansMammoth")
_CHORALES = Source(
    "chorales", "Sopranos of Bach's four-part chorales, phrases by fermatas",
    "bach", ("*.mxl",), "license.txt", chorales.read, style="hymn",
)  # fmt: skip


def _together(name: str, title: str, members: tuple[Source, ...], locator: str = "") -> Source:
    return Source(name, title, "", (), "", _own_file, members=members, locator=locator)


def _lieder(folder: str) -> Source:
    return Source(
        "lieder", "Sung parts of the OpenScore Lieder corpus", folder, (), "", _own_file, style="art song",
        terms="CC0 1.0, for any use", locator=f"lieder:{folder}",
    )  # fmt: skip


def _ceol_rince(folder: str) -> Source:
    return Source(
        "ceol-rince", "Ceol Rince na hEireann: Irish dances, edited by the Polifonia project", folder, (), "",
        _own_file, style="dance", terms="public domain by its editors, who are to be credited (CC-BY 4.0)",
        locator=f"ceol-rince:{folder}",
    )  # fmt: skip


def _free(folder: str) -> Source:
    own = (_lieder(os.path.join(folder, "lieder")), _ceol_rince(os.path.join(folder, "ceol-rince")))
    for source in own:
        if not Path(source.folder).is_dir():
            raise CorpusError(f"corpus 'free': there is no folder {source.folder}")
    title = "All collections that are free for any use: chorales, dances and airs, Lieder, Ceol Rince"
    return _together("free", title, (_CHORALES, _AIRDS, _ONEILLS, _RYANS, *own), f"free:{folder}")


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        _essen_source("essen-german", "6,008 German folk songs of the Essen collection", _GERMAN),
        _essen_source("essen-all", "8,514 folk songs of the Essen collection, German to Chinese", ("*.abc",)),
        _ONEILLS,
        _AIRDS,
        _RYANS,
        _together(
            "public-domain", "O'Neill's, Aird's and Ryan's collections together, printed from 1782 to 1903",
            (_AIRDS, _ONEILLS, _RYANS),
        ),
        _CHORALES,
    )
}  # fmt: skip
"""The collections that can be named."""

IN_FOLDERS: dict[str, tuple[str, Callable[[str], Source]]] = {
    "lieder": ("sung parts of the OpenScore Lieder corpus (MusicXML)", _lieder),
    "ceol-rince": ("Ceol Rince na hEireann (MIDI)", _ceol_rince),
    "free": ("all free collections together; the folder holds `lieder` and `ceol-rince`", _free),
}
"""Collections that the user has in a folder, named as `NAME:FOLDER`; what each is, and its source by folder."""


def find_source(name: str | os.PathLike[str]) -> Source:
    """The source of a name, or of a file or folder of the user's. A name goes before a folder of that name.

    Raises:
        CorpusError: if there is neither, suggesting the nearest names.
    """
    text = os.fspath(name)
    if text in SOURCES:
        return replace(SOURCES[text], locator=text)
    path = Path(text).expanduser()
    if text and path.exists():
        place = os.path.abspath(path)
        return Source(text, f"files in {text}", place, (), "", _own_file, terms="the user's own files", locator=place)
    kind, _, folder = text.partition(":")
    if kind in IN_FOLDERS:
        place = os.path.abspath(Path(folder).expanduser())
        if not folder or not Path(place).is_dir():
            raise CorpusError(f"corpus {text[:80]!r}: expected {kind}:FOLDER with the folder that the files lie in")
        return IN_FOLDERS[kind][1](place)
    raise CorpusError(f"{unknown('corpus', text[:80], SOURCES)} (or give an existing file or folder)")


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
