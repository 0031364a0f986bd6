"""Mutated ABC and kern: a `FormatError` may come out, or a melody that keeps the rules; nothing else, and soon."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import abc, kern
from melodysynthesis.formats.base import Reader

ABC = b"""%abc-2.1
X:1
T:Seed
M:6/8
L:1/8
K:D mix
%%pickup 1/8
V:1 name="x"
A|"Am"d>e(3fga {b}!trill!^f2-|[M:9/8][ceg]3 z3-_b=c'|1 A,//B,,3/2:|2 [K:Em]e6||
w: words
X:2
K:C
[V:1]CDE & EFG|Z2 (3:2:4abcd a<<b \\
c4-|c2|]
"""
KERN = b"""!!!OTL: Seed
**kern\t**text
*I"Voice\t*
*k[b-]\t*
*F:\t*
*M3/4\t*
{4c\tla
=1\t=1
8.ff#/L\tla
16qa\t.
[3%2b-}\t.
*^\t*
4b-]\t4c\t.
*v\t*v\t*
=:|!\t=:|!
00r\t.
*-\t*-
"""
READERS = {"abc": (abc.read, ABC), "kern": (kern.read, KERN)}
ALPHABET = b"|[]{}()<>:;,'\"-_^=/\\%!&*.0123456789 \n\t\rabcdefgABCGKLMVXZrqz#+~\x00\xff\xe2"

edits = st.lists(
    st.tuples(
        st.sampled_from(("insert", "delete", "replace", "repeat", "cut")),
        st.integers(0, 400),
        st.binary(min_size=1, max_size=3) | st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=4).map(bytes),
    ),
    min_size=1,
    max_size=8,
)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, new in changes:
        at = place % max(1, len(data))
        if kind == "insert":
            data = data[:at] + new + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + len(new) :]
        elif kind == "replace":
            data = data[:at] + new + data[at + len(new) :]
        elif kind == "repeat":
            data = data[:at] + data[at : at + 5] * 40 + data[at:]
        else:
            data = data[:at]
    return data


def error_of(read: Reader, data: bytes) -> FormatError | None:
    """What the reader says of bad data; any other exception is a failure."""
    try:
        reading = read(data, "x", None)
    except FormatError as error:
        return error
    return None if reading.melodies else pytest.fail("neither a melody nor an error")


@pytest.mark.parametrize("name", READERS)
def test_the_seeds_are_read(name):
    read, seed = READERS[name]
    assert not read(seed, "x").problems


@pytest.mark.parametrize("name", READERS)
@given(changes=edits)
def test_mutated_files(name, changes):
    read, seed = READERS[name]
    error = error_of(read, mutated(seed, changes))
    assert error is None or (error.kind != "unreadable" and "\n" not in str(error))


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=200))
def test_any_bytes(name, data):
    read, seed = READERS[name]
    start = seed[:40] if data and data[0] % 2 else b""
    error = error_of(read, start + data)
    assert error is None or "\n" not in str(error)


HOSTILE_MUSIC = {
    "quotes": b'"' * 100_000,
    "braces": b"{" * 100_000,
    "brackets": b"[" * 100_000,
    "open fields": b"[K:" * 35_000,
    "bangs": b"!a" * 100_000,
    "colons": b":" * 100_000,
    "slashes": b"C" + b"/" * 100_000,
    "digits": b"C" + b"9" * 100_000,
    "octaves": b"c" + b"'" * 100_000,
    "ties": b"C-" * 100_000,
    "odd tuplets": b"(9:7:9CDEFGABcd " * 10_000,
    "odd lengths": b"".join(b"C/%d" % (n % 255 + 1) for n in range(30_000)),
    "spaces": b" " * 100_000 + b"?" + b" " * 100_000,
    "voices": b"".join(b"[V:%d]C" % n for n in range(15_000)),
    "endings": b"C|1D:|2" * 15_000,
    "many tunes": b"\n\nX:1\nK:C\nC" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE_MUSIC)
def test_hostile_abc_takes_bounded_time(name):
    started = time.process_time()
    error = error_of(abc.read, b"X:1\nK:C\n" + HOSTILE_MUSIC[name] + b"\n")
    assert error is None or len(str(error)) < 400
    assert time.process_time() - started < 10


HOSTILE_KERN = {
    "long pitch": b"4" + b"c" * 100_000,
    "long duration": b"9" * 100_000 + b"c",
    "dots": b"4" + b"." * 100_000 + b"c",
    "chord": b"4c " * 35_000,
    "columns": b"\n".join(b"\t".join([b"*^"] * 2**n) for n in range(14)),
    "odd durations": b"\n".join(b"%dc" % (n % 2047 + 1) for n in range(15_000)),
    "tunes": b"*-\n**kern\n4c\n" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE_KERN)
def test_hostile_kern_takes_bounded_time(name):
    started = time.process_time()
    error = error_of(kern.read, b"**kern\n" + HOSTILE_KERN[name] + b"\n")
    assert error is None or len(str(error)) < 400
    assert time.process_time() - started < 10
