"""Read mutated score files until it is stopped: no reader may fail, hang, or fill the memory.

    python benchmarks/fuzz_readers.py FOLDER ... [--state fuzz.json] [--inputs 1000000]

Every input is a real file of the folders, changed by the grammar of its format: pieces of a file (notes, fields,
events, rows) are repeated, exchanged, dropped or parted; constructs of the format that the file need not have are put
in; numbers become others; now and then bytes change, too. Each file is also taken in the formats that it can be
written in, so that MIDI, JSON and grid text need no files of their own. What is read of one input in twenty is written
in every format and read again.

Inputs are read by a process of its own that the system stops: after `SECONDS` of processor time for one input, and at
`BYTES` of memory more than it had before its first. One that ends in any other way than a melody or a `FormatError` of
one line goes to ``fuzz-failures/`` beside the state, with what went wrong in its name. The state counts the inputs
of each format and goes on from there: an input depends on its number and the folders only.
"""

from __future__ import annotations

import argparse
import io
import json
import mmap
import multiprocessing
import random
import re
import resource
import signal
import zipfile
from collections import Counter
from functools import lru_cache
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import files
from melodysynthesis.formats.midi_repair import chunks, joined
from melodysynthesis.formats.musicxml_file import unzipped

SECONDS = 2.0
BYTES = 200 * 2**20
BATCH = 1000
"""Inputs for one reading process."""
LARGEST_SEED = 2**11
"""Bytes of a file to mutate, so that many are read; of XML, which says less with more, seven times as many."""
SEEDS_A_FORMAT = 150

Pieces = list[bytes]
Dice = random.Random
Seeds = dict[str, list[bytes]]
Faults = SimpleQueue  # of pairs of an input's number and what went wrong

NUMBERS = (b"0", b"-1", b"1", b"2", b"3", b"7", b"128", b"999999999999", b"1.5", b"1e9", b"", b"NaN", b"4294967296")
PIECES = {
    "musicxml": re.compile(
        rb"<(note|attributes|direction|barline|harmony|part-list|identification|defaults|credit)\b.*?</\1>"
        rb"|<(backup|forward)>.*?</\2>|<[^>]+>|[^<>]+",
        re.DOTALL,
    ),
    "abc": re.compile(rb"[A-Za-z]:[^\n]*\n|%[^\n]*\n|\"[^\"\n]*\"|!\w+!|[\[\]|:]+|[\^_=]*[A-Ga-gz][',]*[\d/]*-?|\s+|."),
    "kern": re.compile(rb"[^\n]*\n"),
    "json": re.compile(rb"\[[^\[\]]*\]|\"[^\"]*\"|-?\d+|[{}\[\],:]"),
    "grid": re.compile(rb"\S+|\s+"),
}
"""What the mutations take as one piece. MIDI is cut into its events by `midi_events`."""
_MIDI_EVENT = re.compile(rb"[\x80-\xff]{0,3}[\x00-\x7f](?:(\xff.[\x00-\x7f])|[\x80-\xef]?[\x00-\x7f]{2})", re.DOTALL)
_XML_LEAF = re.compile(rb"<([a-z-]+)(?: [^<>]*)?(?:/>|>[^<>]*</\1>)")

CONSTRUCTS: dict[str, tuple[bytes, ...]] = {
    "musicxml": (
        b"<backup><duration>24</duration></backup>",
        b"<forward><duration>7</duration></forward>",
        b"<attributes><divisions>5</divisions></attributes>",
        b"<attributes><time><beats>3+2</beats><beat-type>8</beat-type></time></attributes>",
        b"<attributes><time><senza-misura/></time></attributes>",
        b"<attributes><time><beats>2</beats><beat-type>4</beat-type><beats>3</beats><beat-type>8</beat-type></time>"
        b"</attributes>",
        b"<attributes><key><fifths>-9</fifths><mode>dorian</mode></key></attributes>",
        b"<attributes><key><key-step>F</key-step><key-alter>1</key-alter></key></attributes>",
        b"<attributes><transpose><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose></attributes>",
        b"<attributes><staves>2</staves><clef number='2'><sign>F</sign></clef></attributes>",
        b"<note><grace/><pitch><step>G</step><octave>5</octave></pitch></note>",
        b"<note><cue/><pitch><step>G</step><octave>5</octave></pitch><duration>3</duration></note>",
        b"<note><chord/><pitch><step>G</step><octave>5</octave></pitch><duration>999</duration></note>",
        b"<note><unpitched/><duration>5</duration></note>",
        b"<note><rest measure='yes'/><duration>96</duration></note>",
        b"<note><pitch><step>B</step><alter>-0.5</alter><octave>4</octave></pitch><duration>3</duration>"
        b"<notations><tied type='start'/></notations><lyric><syllabic>begin</syllabic><text>la</text></lyric></note>",
        b"<direction><direction-type><metronome><beat-unit>half</beat-unit><beat-unit-dot/><per-minute>c. 60"
        b"</per-minute></metronome></direction-type><offset>-5</offset><sound tempo='1e3'/></direction>",
        b"<barline><repeat direction='backward' times='3'/></barline>",
        b"<barline><ending number='1, 2' type='start'/></barline>",
        b"</measure><measure number='X1' implicit='yes'>",
        b"</part><part id='P9'>",
        b"<harmony><root><root-step>G</root-step></root><kind>major</kind></harmony>",
    ),
    "abc": (
        *(b"[M:7/8]", b"[K:Gm transpose=-2]", b"[V:2]", b"\nV:1 clef=treble-8\n", b"\nK:C octave=-1\n", b"(3:2:5"),
        *(b"[ceg]2", b"[c3e]-", b"{abc}", b"!fermata!", b"+trill+", b"| [1", b":|2", b"|[1,3", b"::", b"&", b"$", b"y"),
        *(
            b"Z4",
            b"x2",
            b"<<",
            b">",
            b"\\\n",
            b"\nX:2\nT:b\nK:D\n",
            b"\nw: la- la __ *|~\n",
            b"\n%%pickup 1/8\n",
            b"\n\n",
        ),
        *(b"\nM:none\n", b"\nM:C|\n", b"\nL:1/12\n", b"\nI:linebreak $\n", b"\nP:AB\n", b"\nm: ~n = (3o/n/m/ n\n"),
        *(
            b"\nU: T = !trill!\n",
            b"\nU:+:\n",
            b'"^text',
            b'"Am7/G"',
            b"^/c",
            b"_3d",
            b"c'',,",
            b"\xe9",
            b"\nQ:1/4=1e9\n",
        ),
    ),
    "kern": (
        *(b"*^\n", b"*v\t*v\n", b"*x\t*x\n", b"*+\n", b"*-\n", b"**kern\n", b"**kern\t**text\n", b"=1\n", b"=:|!\n"),
        *(b"*M3/0\n", b"*M3%2/4\n", b"*MX\n", b"*met(c|)\n", b"*k[f#c#]\n", b"*g:dor\n", b"*MM[Allegro]\n", b"*Tr-2\n"),
        *(
            b"*ITrd-1c-2\n",
            b"*>[A,A1]\n",
            b"*>A\n",
            b"!!!OTL@@DE: x\n",
            b"!!LO:TX:t=a\n",
            b"4cc# 8e\n",
            b"[00f\n",
            b"8gq\n",
        ),
        *(
            b"3%2a]\n",
            b"4.;r\n",
            b"20a_\n",
            b"\n",
            b"4ryy\n",
            b"4c;{\n",
            b"*tuplet\n",
            b"*clefGv2\n",
            b"*Ivox\n",
            b"4\n",
        ),
    ),
    "json": (
        b"[0,1,2]",
        b"null",
        b"[]",
        b"{}",
        b'"key":',
        b'"lyrics":[[0,"a"]],',
        b"1e999",
        b"[[[[",
        b'"\\ud800"',
        b"-0",
    ),
    "grid": (b"/", b"/ " * 64, b"\n", b"_", b"r", b" 127 ", b"\xe2\x80\xa8", b"\x85", b"60/61 ", b"060 "),
    "midi": (
        b"\0\xff\x58\x04\x05\x03\x18\x08",
        b"\0\xff\x58\x04\0\xff\x18\x08",
        b"\0\xff\x59\x02\xf9\x01",
        b"\0\xff\x59\x02\x63\x09",
        b"\0\xff\x51\x03\0\0\0",
        b"\x05\xff\x05\x03la-",
        b"\x05\xff\x01\x03@Lx",
        b"\0\xff\x03\x04Bass",
        b"\0\xff\x06\x0amelody end",
        b"\0\xff\x2f\0",
        b"\x0a\xf0\x03\x01\x02\xf7",
        b"\x0a\xf7\x02\xf3\x01",
        b"\0\xf8",
        b"\0\xc1\x81",
        b"\0\x90\x40\xff",
        b"\0\x99\x23\x40",
        b"\x7f\x90\x3c\x40",
        b"\xff\xff\xff\x7f\x80\x3c\0",
        b"\0\x40\x40",
        b"\0\xe0\0\x40",
    ),
}
"""What the standards have, and the files at hand may not."""
CONTAINERS = (
    b"<container><rootfiles><rootfile full-path='score.xml'/></rootfiles></container>",
    b'<container><rootfiles><rootfile full-path="./a&b.xml"/></rootfiles></container>',
    b"<container>",
    b"",
)


# ---- mutations


def mutated(data: bytes, name: str, dice: Dice) -> bytes:
    """A file, changed in one to five places."""
    if name == "mxl":
        return zipped(mutated(data, "musicxml", dice), dice)
    if name == "midi":
        head, pieces, tail = midi_events(data, dice)
    else:
        pieces = list(pieces_of(data, name))
    for _ in range(dice.randint(1, 5)):
        change(pieces, name, dice)
        pieces = pieces or [b""]
    out = b"".join(pieces)
    if name == "midi":
        track = out + (b"\0\xff\x2f\0" if dice.random() < 0.8 else b"")
        out = head + b"MTrk" + len(track).to_bytes(4) + track + tail
    if dice.random() < 0.1:
        out = bytes_changed(out, dice)
    return out


def change(pieces: Pieces, name: str, dice: Dice) -> None:
    """Change the pieces of a file in one place."""
    at, other = dice.randrange(len(pieces)), dice.randrange(len(pieces))
    match dice.randrange(9):
        case 0:
            del pieces[at : at + dice.randint(1, 4)]
        case 1:
            pieces[at:at] = pieces[other : other + dice.randint(1, 20)] * dice.choice((1, 1, 1, 2, 30))
        case 2:
            pieces[at], pieces[other] = pieces[other], pieces[at]
        case 3 | 4:
            number = dice.choice(NUMBERS)
            pieces[at] = re.sub(rb"\d+", lambda _: number, pieces[at], count=dice.randint(1, 2))
        case 5 | 6:
            construct = dice.choice(CONSTRUCTS[name])
            if name == "kern" and dice.random() < 0.7:  # a row as wide as its neighbours
                construct = b"\t".join([construct.rstrip(b"\n")] * (pieces[at].count(b"\t") + 1)) + b"\n"
            pieces[at : at + (name == "json")] = [construct]
        case 7:
            pieces[at] = piece_mixed(pieces[at], pieces[other], name, dice)
        case _:
            if dice.random() < 0.2:
                del pieces[max(1, at) :]


def piece_mixed(piece: bytes, other: bytes, name: str, dice: Dice) -> bytes:
    """A piece that has got a part of another one, or has lost one of its own."""
    if name == "musicxml":
        own, theirs = list(_XML_LEAF.finditer(piece)), list(_XML_LEAF.finditer(other))
        if own and dice.random() < 0.5:
            gone = dice.choice(own)
            return piece[: gone.start()] + piece[gone.end() :]
        if own and theirs:
            at = dice.choice(own).start()
            return piece[:at] + dice.choice(theirs)[0] + piece[at:]
        return piece
    if name == "kern":
        own_row, other_row = piece.rstrip(b"\n").split(b"\t"), other.rstrip(b"\n").split(b"\t")
        own_row[dice.randrange(len(own_row))] = dice.choice(other_row)
        return b"\t".join(own_row[: dice.choice((len(own_row), len(own_row), 1))]) + b"\n"
    at = dice.randrange(len(piece) + 1)
    return piece[:at] + other[: dice.randint(0, 3)] + piece[at + dice.randint(0, 2) :]


def bytes_changed(data: bytes, dice: Dice) -> bytes:
    """Bytes in up to three places changed, cut out or doubled."""
    out = bytearray(data or b" ")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(out) + 1)
        out[at : at + dice.randint(0, 2)] = bytes(dice.choices(range(256), k=dice.randint(0, 2)))
    return bytes(out)


@lru_cache(maxsize=2 * SEEDS_A_FORMAT)
def pieces_of(data: bytes, name: str) -> tuple[bytes, ...]:
    """The pieces of a file, which together are the file."""
    return tuple(match[0] for match in PIECES[name].finditer(data)) or (b" ",)


def midi_events(data: bytes, dice: Dice) -> tuple[bytes, Pieces, bytes]:
    """The file up to one of its tracks, with another header now and then, the events of that track, and the rest."""
    parts = list(chunks(data))
    tracks = [index for index, (name, _) in enumerate(parts) if name == b"MTrk"]
    chosen = dice.choice(tracks)
    header = parts[0][1]
    if dice.random() < 0.1:
        numbers = (0, 1, 2, 5, 24, 480, 32767, 32768, 59176)
        header = b"".join(dice.choice(numbers).to_bytes(2) for _ in range(3))
    head = joined([(b"MThd", header), *parts[1:chosen]])
    return head, list(events_of(parts[chosen][1])), joined(parts[chosen + 1 :])


@lru_cache(maxsize=2 * SEEDS_A_FORMAT)
def events_of(track: bytes) -> tuple[bytes, ...]:
    """The events of a track that one of our own files has: no packets."""
    found: Pieces = []
    place = 0
    while match := _MIDI_EVENT.match(track, place):
        end = match.end() + (match[1] or b"\0")[-1]
        found.append(track[place:end])
        place = end
    return tuple(found) or (track,)


def zipped(score: bytes, dice: Dice) -> bytes:
    """An archive of a score, with a container as poor as some are."""
    out = io.BytesIO()
    names = ("score.xml", "a&b.xml", "x/score.musicxml", "SCORE.XML", "META-INF/score.xml")
    with zipfile.ZipFile(out, "w") as archive:
        if dice.random() < 0.9:
            archive.writestr("META-INF/container.xml", dice.choice(CONTAINERS))
        for entry in dice.sample(names, dice.choice((1, 1, 1, 2))):
            archive.writestr(zipfile.ZipInfo(entry), score, zipfile.ZIP_DEFLATED)
    return bytes_changed(out.getvalue(), dice) if dice.random() < 0.1 else out.getvalue()


# ---- reading


def fault_of(data: bytes, name: str, write_again: bool) -> str | None:
    """What goes wrong with an input, or None."""
    try:
        reading = formats.read_bytes(data, name, "x")
    except FormatError as error:
        if "\n" in str(error) or len(str(error)) > 500:
            return "message of several lines"
        return "memory" if "more memory than there is" in str(error) else None
    except BaseException as error:  # a MemoryError, too
        return type(error).__name__
    for melody in reading.melodies[:2] if write_again else ():
        for other in ("midi", "musicxml", "abc", "kern", "json"):
            try:
                again = formats.read_bytes(formats.to_bytes(melody, other), other, "y").melodies[0]
            except Exception as error:
                return f"{type(error).__name__} by {other}"
            if again != melody:
                return f"another melody by {other}"
    return None


def read_batch(seeds: Seeds, first: int, last: int, at: mmap.mmap, faults: Faults) -> None:
    """Read the inputs from number `first` to before `last`; `at` holds the number of the one that is being read.

    The system ends the process where an input takes too long, even within a regular expression.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(first, last):
        at[:8] = number.to_bytes(8)
        name, data = input_of(seeds, number)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # what its signal does, unless caught, is end the process
        fault = fault_of(data, name, write_again=False)
        signal.setitimer(signal.ITIMER_PROF, 30)
        if fault is None and number % 20 == 0:
            fault = fault_of(data, name, write_again=True)
        if fault:
            faults.put((number, fault))
    at[:8] = last.to_bytes(8)


def input_of(seeds: Seeds, number: int) -> tuple[str, bytes]:
    """Format and bytes of the input of a number."""
    dice = random.Random(number)
    name = name_of(seeds, dice)
    return name, mutated(dice.choice(seeds[name]), name, dice)


def name_of(seeds: Seeds, dice: Dice) -> str:
    """The format of the input that is drawn with such dice."""
    return dice.choice(tuple(seeds))


def seeds_of(folders: list[Path]) -> Seeds:
    """The files to mutate by format: those of the folders, and their melodies as they are written in each format."""
    files = sorted(path for folder in folders for path in folder.rglob("*") if is_seed(path))
    seeds: Seeds = {name: [] for name in ("musicxml", "mxl", "abc", "kern", "midi", "json", "grid")}
    for name, own in seeds.items():
        found = [path for path in files if formats.format_of(path).name == name]
        for path in found[:: 1 + len(found) // SEEDS_A_FORMAT]:
            data = path.read_bytes()
            own.append(unzipped(data, path.name) if name == "mxl" else data)
    for path in files[:: 1 + 2 * len(files) // SEEDS_A_FORMAT]:
        try:
            melody = formats.read(path).melodies[0]
            for name in ("abc", "kern", "midi", "json", "musicxml", "grid"):
                seeds[name].append(formats.to_bytes(melody, name))
        except FormatError:
            continue  # one that is bad, or not on sixteenths
    seeds["mxl"] += seeds["musicxml"][:20]
    return {name: [data for data in own if data and is_small(len(data), name)] for name, own in seeds.items()}


def is_small(size: int, name: str) -> bool:
    """Whether a file of so many bytes is quickly read."""
    return size <= LARGEST_SEED * (7 if name in {"musicxml", "mxl"} else 1)


def is_seed(path: Path) -> bool:
    """Whether a file is a score that can be read, and small."""
    try:
        format = formats.format_of(path)
        return format.read is not None and is_small(path.stat().st_size, format.name)
    except (FormatError, OSError):
        return False


# ---- the run


def main() -> None:
    """Run until all inputs are read, or it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", help="with files to mutate")
    parser.add_argument("--state", type=Path, default=Path("fuzz.json"), help="where the counts are kept")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many, from the first run on")
    options = parser.parse_args()
    state = json.loads(options.state.read_text()) if options.state.exists() else {"next": 0, "inputs": {}, "faults": {}}
    seeds = seeds_of(options.folders)
    inputs, faults = Counter(state["inputs"]), Counter(state["faults"])
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stopped.append(number))
    following = state["next"]
    while following < options.inputs and not stopped:
        first, last = following, min(following + BATCH, options.inputs)
        following, found = run_batch(seeds, first, last)
        inputs.update(name_of(seeds, random.Random(number)) for number in range(first, following))
        for number, fault in found:
            name, data = input_of(seeds, number)
            faults[f"{name}: {fault}"] += 1
            keep(options.state.parent / "fuzz-failures", number, name, fault, data)
        files.save(options.state, json.dumps({"next": following, "inputs": inputs, "faults": faults}).encode())
    print(f"{following:,} inputs", json.dumps({"inputs": inputs, "faults": faults}))


def run_batch(seeds: Seeds, first: int, last: int) -> tuple[int, list[tuple[int, str]]]:
    """The number after the last input that was read, and the inputs that failed, with what went wrong."""
    fork = multiprocessing.get_context("fork")
    faults: Faults = fork.SimpleQueue()
    with mmap.mmap(-1, 8) as at:
        process = fork.Process(target=read_batch, args=(seeds, first, last, at, faults))
        process.start()
        found = []
        while process.is_alive() or not faults.empty():
            if faults.empty():
                process.join(0.05)
            else:
                found.append(faults.get())
        following = int.from_bytes(at[:8])
    if following < last:  # ended by the system
        name = signal.Signals(-(process.exitcode or 0)).name if (process.exitcode or 0) < 0 else "ended"
        found.append((following, {"SIGPROF": f"over {SECONDS:g} s"}.get(name, name)))
        following += 1
    return following, found


def keep(folder: Path, number: int, name: str, fault: str, data: bytes) -> None:
    """Keep an input that failed."""
    folder.mkdir(exist_ok=True)
    suffix = formats.FORMATS[name].suffixes[0]
    (folder / f"{number}-{re.sub('[^a-zA-Z0-9]+', '-', fault)}{suffix}").write_bytes(data)


if __name__ == "__main__":
    main()
