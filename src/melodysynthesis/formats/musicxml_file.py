"""The XML of a MusicXML file: found in its archive, then parsed measure by measure within bounds.

No more of a document is in memory than one measure, whatever its size: each is handed on when it is whole, and
emptied. A document that declares entities is refused before it is parsed, so that none is ever expanded.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.limits import check_file_size

if TYPE_CHECKING:
    import zipfile
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 16 * 2**20
"""So much is read in less than two seconds; the longest quartets of Beethoven have 11 MB."""
MAX_ZIPPED_BYTES = 16 * 2**20
MAX_ENTRIES = 10_000
"""Files in an archive."""
MAX_MEASURES = 200_000
"""In all parts together."""
MAX_BETWEEN = 200_000
"""Tags and attributes between the ends of two measures; they take some 50 MB."""
MAX_BYTES_BETWEEN = 8 * 2**20

_ENTITY = re.compile(rb"<\0?!\0?E\0?N\0?T\0?I\0?T\0?Y")  # in UTF-8 and in UTF-16
_SCORES = (".musicxml", ".xml")
_CONTAINER_NAME = "META-INF/container.xml"


def parse(data: bytes, source: str, take: Callable[[Element], None]) -> Element:
    """Parse a document and return its root.

    Args:
        data: the document.
        source: the file's name, for messages.
        take: gets every `<measure>` and `<part>` when it is whole; then it is emptied. Namespaces are taken off tags.

    Raises:
        FormatError: if it is no XML, declares entities, or is larger than the bounds above.
    """
    from xml.etree.ElementTree import ParseError, iterparse

    check_file_size(len(data), source, MAX_XML_BYTES)
    if _ENTITY.search(data):
        reason = "it declares XML entities, which are not read: they can fill the memory or fetch files"
        raise FormatError(reason, source, "hostile XML")
    measures = 0
    element: Element | None = None
    stream = _Bounded(_trimmed(data), source)
    try:
        for _, element in iterparse(stream, ("end",)):
            if element.tag[0] == "{":
                element.tag = element.tag.partition("}")[2]
            if element.tag in {"measure", "part"}:
                take(element)
                element.clear()
                stream.restart()
                measures += 1
                if measures > MAX_MEASURES:
                    raise FormatError(f"it has more than {MAX_MEASURES:,} measures", source, "too large")
    except ParseError as error:
        raise FormatError(f"damaged XML: {error}", source, "damaged MusicXML") from None
    except (LookupError, ValueError) as error:  # an unknown or wrong text encoding
        raise FormatError(f"damaged XML: {str(error)[:200]}", source, "damaged MusicXML") from None
    assert element is not None  # an empty document is a ParseError
    return element


def _trimmed(data: bytes) -> bytes:
    """A document without the white space and nulls around it, which some programs leave; UTF-16 stays as it is."""
    text = data.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\0")
    return text if text[:1] == b"<" and b"\0" not in text[:8] else data


class _Bounded(io.BytesIO):
    """The bytes of a document, which refuses to go on where too much comes between two measures."""

    def __init__(self, data: bytes, source: str) -> None:
        super().__init__(data)
        self.source = source
        self.restart()

    def restart(self) -> None:
        """Count again from here."""
        self.things = self.bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        self.things += chunk.count(b"<") + chunk.count(b"=")
        self.bytes += len(chunk)
        if self.things > MAX_BETWEEN or self.bytes > MAX_BYTES_BETWEEN:
            reason = f"it has more than {MAX_BETWEEN:,} tags and attributes, or 8 MiB, in one measure or outside of all"
            raise FormatError(reason, self.source, "too large")
        return chunk


def unzipped(data: bytes, source: str) -> bytes:
    """The score inside a `.mxl` file, whatever sizes it declares never more than `MAX_XML_BYTES`.

    It is the one that the container names. Where the container is missing or damaged, or names a file that is not
    there, it is the only score in the archive.
    """
    import zipfile
    import zlib

    check_file_size(len(data), source, MAX_ZIPPED_BYTES)
    if data.count(b"PK\x01\x02") > MAX_ENTRIES:
        raise FormatError(f"the archive holds more than {MAX_ENTRIES:,} files", source, "too large")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _member(archive, _score_entry(archive, source), MAX_XML_BYTES, source)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise FormatError(f"damaged zip file: {str(error)[:200]}", source, "damaged MusicXML") from None


def _score_entry(archive: zipfile.ZipFile, source: str) -> zipfile.ZipInfo:
    named = _named_by_container(archive, source)
    entries = {_plain(entry.filename): entry for entry in archive.infolist() if _is_file(entry.filename)}
    if named in entries:
        return entries[named]
    scores = [
        entry
        for name, entry in entries.items()
        if name.endswith(_SCORES)
        and not name.startswith(("meta-inf/", "__macosx/"))
        and not PurePosixPath(name).name.startswith(".")
    ]
    same_name = [e for e in scores if PurePosixPath(_plain(e.filename)).name == PurePosixPath(named).name]
    if len(scores) > 1 and len(same_name) == 1:
        scores = same_name
    if len(scores) == 1:
        return scores[0]
    if not scores:
        raise FormatError("a zip file, but no zipped MusicXML: there is no score in it", source, "not MusicXML")
    names = ", ".join(entry.filename[:40] for entry in scores[:5])
    reason = f"its container names none of the {len(scores)} scores in it: {names}"
    raise FormatError(reason, source, "damaged MusicXML")


def _is_file(name: str) -> bool:
    """Whether an entry of an archive is a file; a damaged one may have no name at all."""
    return bool(name) and not name.endswith("/")


def _named_by_container(archive: zipfile.ZipFile, source: str) -> str:
    """The score's name by the container, in plain form; empty where it tells none."""
    try:
        container = _member(archive, archive.getinfo(_CONTAINER_NAME), 2**16, source)
    except KeyError:
        return ""
    text = container.decode("utf-8", "replace")
    # Not by an XML parser: real containers have bare ampersands and other mistakes.
    for rootfile in re.split(r"<(?:\w{1,20}:)?rootfile\s", text)[1:]:
        attributes = rootfile[:2000]
        path = re.search(r"full-path\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)')", attributes)
        kind = re.search(r"media-type\s{0,9}=\s{0,9}[\"']([^\"'>]*)", attributes)
        if path and (kind is None or "musicxml" in kind[1]):
            return _plain(path[1] or path[2] or "")
    return ""


def _plain(name: str) -> str:
    """A path within an archive in one spelling: lower case, forward slashes, no ``./``, ``%20`` or ``&amp;``."""
    name = unquote(html.unescape(name)).replace("\\", "/").casefold()
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, source: str) -> bytes:
    where = f"{source} ({entry.filename[:80]})"
    check_file_size(entry.file_size, where, limit)
    with archive.open(entry) as file:
        data = file.read(limit + 1)
    check_file_size(len(data), where, limit)
    return data
