"""Mutated files thrown at the readers that `test_text_fuzz` does not cover: a melody or one clear line, and soon."""

import random
import struct
import time
import xml.etree.ElementTree as ET

import pytest

from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.music import Key, Melody, Meter, Note

MUTANTS = 400
DURATIONS = (24, 12, 12, 8, 8, 8, 48) * 2
TUNE = Melody(
    tuple(Note(sum(DURATIONS[:i]), ticks, 60 + i % 7) for i, ticks in enumerate(DURATIONS)),
    264,
    (Meter(0, 4, 4), Meter(120, 3, 4)),
    Key("D", "dorian"),
    (48, 240),
    24,
)
STEPS = Melody(tuple(Note(12 * i, 12, 60 + i) for i in range(20)), 252)
NUMBERS = ("0", "-1", "1.5", "1/0", "nan", "", "1e999", "99999999999999999999", "128", "²")


def mutated(data: bytes, alphabet: bytes, chance: random.Random) -> bytes:
    """A file with a few bytes changed, cut out, doubled or put in."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        at, size, kind = chance.randrange(len(out) + 1), chance.randint(1, 9), chance.randrange(6)
        if kind == 0:
            out[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del out[at : at + size]
        elif kind == 2:
            out[at:at] = out[at : at + 8 * size]
        elif kind == 3:
            del out[max(at, 20) :]
        else:
            out[at : at + kind - 4] = bytes(chance.choices(alphabet, k=size))
    return bytes(out)


def midi(chance: random.Random) -> bytes:
    """A MIDI file with a mutated track, whose length is right so that its events are reached."""
    whole = formats.to_bytes(TUNE, "midi")
    body = mutated(whole[22:], b"\0\x7f\x80\xff\x90\x58\x2f\x51\xf0\xf7", chance)
    header = mutated(whole[8:14], b"\0\1\xff", chance)[:6] if chance.random() < 0.2 else whole[8:14]
    return whole[:8] + header + b"MTrk" + struct.pack(">I", len(body)) + body


def musicxml(chance: random.Random) -> bytes:
    """Well-formed XML in which elements are lost, doubled, moved or have other texts."""
    root = ET.fromstring(formats.to_bytes(TUNE, "musicxml"))
    parents = [(parent, child) for parent in root.iter() for child in parent]
    for _ in range(chance.randint(1, 4)):
        (parent, child), (other, _) = chance.choice(parents), chance.choice(parents)
        kind = chance.randrange(5)
        if kind == 0 and child in list(parent):
            parent.remove(child)
        elif kind == 1 and child not in list(other.iter()) and other not in list(child.iter()):
            other.append(child)
        elif kind == 2:
            child.tag = chance.choice(parents)[1].tag
        else:
            child.text = chance.choice(NUMBERS)
    return ET.tostring(root)


def plain(name: str, alphabet: bytes, melody: Melody = TUNE):
    return lambda chance: mutated(formats.to_bytes(melody, name), alphabet, chance)


SOURCES = {
    "midi": midi,
    "midi bytes": plain("midi", b"\0\x7f\x80\xffMTrkhd"),
    "musicxml": musicxml,
    "musicxml bytes": plain("musicxml", b"<>&\"'/=! 0123456789-\xff\0"),
    "mxl": plain("mxl", b"PK\1\2\3\4\5\6\0\xff"),
    "json": plain("json", b'{}[]",:0123456789-.eE \xff\0ntrue'),
    "grid": plain("grid", b"0123456789 _r/\n\xff\0", STEPS),
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_mutated_file_is_a_melody_or_one_clear_line(source):
    chance, name = random.Random(source), source.split()[0]
    read = 0
    for _ in range(MUTANTS):
        data = SOURCES[source](chance)
        start = time.perf_counter()
        try:
            reading = formats.read_bytes(data, name, "x.file")
        except FormatError as error:
            message = str(error)
            assert message.startswith("x.file")
            assert "\n" not in message
            assert len(message) < 400
        else:
            read += 1
            assert reading.melodies
            assert all("\n" not in str(problem) for problem in reading.problems)
        assert time.perf_counter() - start < 5
    assert 0 < read < MUTANTS
