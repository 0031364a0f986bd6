"""MusicXML, plain (`.musicxml`, `.xml`) and zipped (`.mxl`).

Written: MusicXML 4.0, one part named "Melody", 24 divisions to the quarter. Notes are split and tied at bar
and where they would hide a beat; triplets are bracketed; beams follow the beats. A pickup is measure 0,
implicit; a melody without meter has `senza-misura` and invisible bar lines. A phrase end at the end of a
note is a breath mark; at the end of a rest, inside a note or at the very end, where no musician would write
one, it is a `<sound>` named so, without effect. A key signature beyond 7 sharps or flats is shown as its enharmonic,
the true key and other things that the notation can't say stand in `<miscellaneous>`.

Read: partwise and timewise scores, in any namespace; the part by the rule in `parts`; of several staves the first;
of chords and voices the top line. Grace notes are skipped; cue notes take their time and do not sound. Repeats and
endings are read once, as they are written. A transposing part, and its key, is read as it sounds. The first key and
its mode are the melody's; without a mode it is minor if the melody ends on that tonic, else major. A short first
measure is a pickup. A measure that does not fill its meter is as long as in the fullest other part, up to the whole
bar; if it is still shorter or longer than its meter, the meter changes for that bar. Breath marks are phrase ends.
Times are rounded to 24 ticks a quarter. A notice says where any of this happened.
"""

import io

from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.musicxml_writer import write
from melodysynthesis.music import Melody

__all__ = ["FORMAT", "ZIPPED", "read", "write", "write_zipped"]

_CONTAINER = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<container><rootfiles><rootfile full-path="score.musicxml"'
    b' media-type="application/vnd.recordare.musicxml+xml"/></rootfiles></container>\n'
)


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """Read a score, zipped or not, by `musicxml_reader.read`, which is imported where it is used."""
    from melodysynthesis.formats import musicxml_reader

    return musicxml_reader.read(data, source, part)


def write_zipped(melody: Melody) -> bytes:
    """A score of one part as a `.mxl` file.

    Raises:
        FormatError: as `write`.
    """
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in (("META-INF/container.xml", _CONTAINER), ("score.musicxml", write(melody))):
            entry = zipfile.ZipInfo(name)  # its date is always 1980, so that the bytes are always the same
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


_KEEPS = frozenset({"duration", "meters", "key", "phrase_ends", "pickup"})
FORMAT = Format("musicxml", (".musicxml", ".xml"), read, write, _KEEPS)
ZIPPED = Format("mxl", (".mxl",), read, write_zipped, _KEEPS)
