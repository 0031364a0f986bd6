"""Memory and time of files made to fill the memory: each is read in a process of its own.

    python benchmarks/hostile_files.py [--only midi]

Memory is the peak of the process's resident set, less the peak of a process that reads one note of the same format.
The bounds are those of `fuzz_readers.py`: 2 s of processor and 200 MiB.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.music import Melody, Note

SECONDS, MEBIBYTES = 2, 200
_NOTE = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
_HEAD = "<attributes><divisions>1</divisions></attributes>"


def xml(inside: str) -> bytes:
    """A score of one measure."""
    return f"<score-partwise><part id='P1'><measure>{_HEAD}{_NOTE}{inside}</measure></part></score-partwise>".encode()


def zipped(data: bytes) -> bytes:
    """An archive that holds a score."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", data)
    return out.getvalue()


def smf(body: bytes) -> bytes:
    """A MIDI file of one track."""
    body += b"\0\xff\x2f\0"
    return b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(body).to_bytes(4) + body


_STRUCK = b"\0\x90\x3c\x40\1\x80\x3c\0"
CASES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "50 MB of attributes": ("musicxml", lambda: xml("<a " + " ".join(f'b{n}="c"' for n in range(4_500_000)) + "/>")),
    "15 MB of attributes": ("musicxml", lambda: xml("<a " + " ".join(f'b{n}="c"' for n in range(1_300_000)) + "/>")),
    "a million levels of XML": ("musicxml", lambda: xml("<a>" * 1_000_000 + "</a>" * 1_000_000)),
    "15 MB of empty measures": ("musicxml", lambda: xml("</measure><measure>" * 750_000)),
    "199,000 measures of a note": ("musicxml", lambda: xml("</measure><measure>" + "".join(
        "<rest/></measure><measure>" for _ in range(198_000)))),
    "15 MB of notes": ("musicxml", lambda: xml(("</measure><measure>" + _NOTE * 40) * 4_600)),
    "15 MB of text": ("musicxml", lambda: xml("<words>" + "a" * 15_000_000 + "</words>")),
    "a zip bomb": ("mxl", lambda: zipped(b" " * 500_000_000)),
    "300,000 tunes": ("abc", lambda: b"X:1\nK:C\nCDEF|\n\n" * 300_000),
    "7,400 tunes of 40 notes": ("abc", lambda: (b"X:1\nK:C\n" + b"CDEF|" * 10 + b"\n\n") * 7_400),
    "16 MB on one line": ("abc", lambda: b"X:1\nK:C\n" + b"C" * 16_000_000),
    "16 MB of brackets": ("abc", lambda: b"X:1\nK:C\n" + b"[" * 16_000_000),
    "2 million lines": ("abc", lambda: b"X:1\nK:C\n" + b"C|\n" * 2_000_000),
    "five million notes": ("json", lambda: b'{"notes": [' + b"[0,1,60]," * 5_000_000 + b"[0,1,60]]}"),
    "8 MB of notes": ("json", lambda: b'{"notes": [' + b"[0,1,60]," * 880_000 + b"[0,1,60]]}"),
    "8 MB of brackets": ("json", lambda: b"[" * 8_000_000),
    "three million markers": ("midi", lambda: smf(_STRUCK + b"\0\xff\6\1a" * 3_000_000)),
    "190,000 markers": ("midi", lambda: smf(_STRUCK + b"\0\xff\6\1a" * 190_000)),
    "8 MB of notes in MIDI": ("midi", lambda: smf(_STRUCK * 1_040_000)),
    "490,000 notes": ("midi", lambda: smf(_STRUCK * 490_000)),
    "notes without an end": ("midi", lambda: smf(b"\1\x90\x3c\x40" * 125_000)),
    "60 MB of grid text": ("grid", lambda: b"60 _ " * 12_000_000),
    "4 MB of grid text": ("grid", lambda: b"60 _ " * 800_000),
    "60 MB of kern": ("kern", lambda: b"**kern\n" + b"4c\n" * 20_000_000),
    "60 MB of tabs in kern": ("kern", lambda: b"**kern\n" + b"\t" * 60_000_000),
    "90,000 rows of kern": ("kern", lambda: b"**kern\n" + b"4c\n" * 90_000 + b"*-\n"),
    "900 spines of kern": ("kern", lambda: (b"**kern\t" * 899 + b"**kern\n") + (b"4c\t" * 899 + b"4c\n") * 2_000),
}  # fmt: skip
ONE_NOTE = Melody((Note(0, 24, 60),), 24)


def measured(format: str, data: bytes) -> tuple[str, float, float]:
    """What comes of reading a file in a new process: in words, in seconds of processor and in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{formats.FORMATS[format].suffixes[0]}"
        path.write_bytes(data)
        command = [sys.executable, __file__, "--read", str(path)]
        found = subprocess.run(
            command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
    if found.returncode:
        return (found.stderr.strip().splitlines() or [f"exit {found.returncode}"])[-1][:120], 0.0, 0.0
    seconds, peak, text = found.stdout.split(maxsplit=2)
    return text.strip(), float(seconds), float(peak)


def read_one(path: Path) -> None:
    """Read a file and print seconds, peak in MiB and what came."""
    start = time.process_time()
    try:
        reading = formats.read(path)
        text = f"read: {len(reading.melodies):,} melodies, {sum(len(m.notes) for m in reading.melodies):,} notes"
    except FormatError as error:
        text = f"refused: {error.reason}"
    seconds = time.process_time() - start
    # not ru_maxrss, which a new process has from the one that started it
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(seconds, int(peak[1]) / 1024, text[:160])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="only formats and cases with this in their name")
    parser.add_argument("--read", type=Path, help="read one file in this process")
    options = parser.parse_args()
    if options.read:
        read_one(options.read)
        return
    base: dict[str, float] = {}
    print(f"{'format':9} {'file':28} {'MB':>6} {'s':>6} {'MiB':>6}  outcome")
    for name, (format, made) in CASES.items():
        if options.only not in f"{format} {name}":
            continue
        if format not in base:
            base[format] = measured(format, formats.to_bytes(ONE_NOTE, format))[2]
        data = made()
        text, seconds, peak = measured(format, data)
        over = "" if seconds <= SECONDS and peak - base[format] <= MEBIBYTES and peak else "  <-- over the bounds"
        size, memory = len(data) / 1e6, peak - base[format]
        print(f"{format:9} {name:28} {size:6.1f} {seconds:6.2f} {memory:6.0f}  {text[:90]}{over}", flush=True)


if __name__ == "__main__":
    main()
