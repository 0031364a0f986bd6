"""The tools of `melody mcp`, called by the protocol's own client, and its transport with odd input."""

import asyncio
import io
import json

import pytest

pytest.importorskip("mcp", reason="the package mcp is not installed")

import mcp_types as types
from mcp.client.client import Client

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.apps.mcp.command import server_of
from melodysynthesis.apps.mcp.tools import TOOLS, Tools
from melodysynthesis.apps.mcp.transport import MAX_LINE_BYTES, _Lines
from melodysynthesis.apps.studio.command import offered
from melodysynthesis.apps.studio.limits import MAX_BARS, Seconds
from melodysynthesis.apps.studio.service import Studio
from melodysynthesis.generation.request import Request

RULED = {"key": "G major", "meter": "4/4", "bars": 4, "range": "D4-G5", "cadence": True, "seed": 3}


@pytest.fixture
def with_client(models, tmp_path):
    """Runs a coroutine function on a client of the tools; a folder of files is `tmp_path`."""

    def run_with(work, seconds=Seconds(), folder=tmp_path):  # noqa: B008 (a frozen value)
        async def opened():
            studio = Studio(*offered([models["event"]]), 1, seconds)
            async with Client(server_of(Tools(studio, folder))) as client:
                await work(client)

        asyncio.run(opened())

    return run_with


async def answer(client, tool, **arguments):
    """The structured answer and the text."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    return result.structured_content, result.content


async def mistake(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    (content,) = result.content
    assert "\n" not in content.text
    return content.text


def test_a_client_lists_the_tools_and_uses_each(with_client, tmp_path):
    async def work(client):
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert (
            {"generate", "fill", "vary", "inspect", "certify", "render", "harmonise"} <= listed.keys() == TOOLS.keys()
        )
        fields = listed["generate"].input_schema["properties"]
        assert {"chords", "form", "key", "primer"} <= fields.keys()
        assert fields["model"]["enum"][0] == "scale-event"

        made, content = await answer(client, "generate", **RULED)
        (one,) = made["melodies"]
        assert one["certificate"]["verdict"] == "kept"
        assert one["abc"].strip() in content[0].text

        filled, _ = await answer(client, "fill", melody=one["abc"], bars="2", seed=1, temperature=50)
        before, after = (bars(answered["melodies"][0]) for answered in (made, filled))
        assert before[1] != after[1]
        assert [*before[:1], *before[2:]] == [*after[:1], *after[2:]]

        motif = {"melody": "C4:1 D4:1/2 E4:1/2 F4:2", "meter": "4/4", "key": "C major"}
        varied, _ = await answer(client, "vary", **motif, seed=1, temperature=50)
        notes = varied["melodies"][0]["melody"]["notes"]
        assert [duration for _, duration, _ in notes] == [24, 12, 12, 48]

        ways, content = await answer(client, "harmonise", melody=one["melody"], alternatives=2)
        assert [way["melody"]["notes"] for way in ways["melodies"]] == [one["melody"]["notes"]] * 2
        assert all(way["melody"]["chords"] for way in ways["melodies"])
        assert '"G' in content[0].text

        found, content = await answer(client, "inspect", melody=one["melody"])
        assert found["statistics"]["key"] == "G major"
        assert "G major; 4/4; 4 bars" in content[0].text

        kept, _ = await answer(client, "certify", melody=one["melody"], request=made["request"])
        assert kept["verdict"] == "kept"
        broken, content = await answer(client, "certify", melody="C3:4", request={"range": "C4-C5"})
        assert broken["verdict"] == "broken"
        assert "C3" in content[0].text

        for format, kind in {"png": "image", "wav": "audio", "mid": "resource", "abc": "resource"}.items():
            _, content = await answer(client, "render", melody=one["melody"], format=format)
            assert content[1].type == kind
        saved, _ = await answer(client, "render", melody=one["melody"], format="mid", save_as="tune.mid", tempo=90)
        assert saved["file"] == str(tmp_path / "tune.mid")
        read = formats.read(tmp_path / "tune.mid").melodies[0]
        assert (read.tempo, [list(note) for note in read.notes]) == (90, one["melody"]["notes"])
        again, _ = await answer(client, "inspect", melody="tune.mid")
        assert again["melody"]["notes"] == one["melody"]["notes"]

    with_client(work)


def bars(answered):
    melody = answered["melody"]
    return [[note for note in melody["notes"] if note[0] // 96 == bar] for bar in range(4)]


def test_mistakes_are_one_line_that_says_what_is_wrong(with_client, tmp_path):
    (tmp_path / "two.abc").write_text("X:1\nK:C\nCDEF|\n\nX:2\nK:C\nGABc|\n")
    (tmp_path / "there.mid").write_bytes(b"somebody's work")

    async def work(client):
        assert "did you mean generate" in await mistake(client, "generat")
        assert "did you mean bars?" in await mistake(client, "generate", barz=8)
        assert str(MAX_BARS) in await mistake(client, "generate", bars=MAX_BARS + 1)
        assert "key 'H flat'" in await mistake(client, "generate", key="H flat")
        assert "needs the argument bars" in await mistake(client, "fill", melody="G4:1")
        assert "no bar 9" in await mistake(client, "fill", melody="X:1\nM:4/4\nL:1/4\nK:C\nCDEF|", bars="9")
        plain = "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|"
        assert "melody has none" in await mistake(client, "fill", melody=plain, bars="1", follow_chords=True)
        assert "true or false" in await mistake(client, "fill", melody=plain, bars="1", follow_chords="no")
        assert "keep is a list" in await mistake(client, "vary", melody="G4:1", keep={"a": 1})
        assert "meter" in await mistake(client, "harmonise", melody="G4:1 A4:1")
        assert "whole number" in await mistake(client, "harmonise", melody="G4:1 A4:1", spice="hot")
        assert "expected a melody" in await mistake(client, "inspect", melody=7)
        assert "2 melodies" in await mistake(client, "inspect", melody="two.abc")
        assert "request: expected" in await mistake(client, "certify", melody="G4:1", request=[])
        assert "not one of mid" in await mistake(client, "render", melody="G4:1", format="exe")
        for name in ("../tune.mid", "/tmp/tune.mid", "sub/tune.mid", ".mid"):
            assert "plain name" in await mistake(client, "render", melody="G4:1", format="mid", save_as=name)
        assert "not named so" in await mistake(client, "render", melody="G4:1", format="mid", save_as="tune.abc")
        assert "another file" in await mistake(client, "render", melody="G4:1", format="mid", save_as="there.mid")
        assert (tmp_path / "there.mid").read_bytes() == b"somebody's work"

    with_client(work)


def test_without_a_folder_no_file_is_read_or_written(with_client):
    async def work(client):
        assert "--folder" in await mistake(client, "inspect", melody="tune.mid")
        assert "--folder" in await mistake(client, "render", melody="G4:1", format="mid", save_as="tune.mid")

    with_client(work, folder=None)


def test_what_takes_too_long_is_stopped(with_client):
    async def work(client):
        assert "longer than 0 seconds" in await mistake(client, "generate", **RULED)

    with_client(work, Seconds(generate=0))


def test_the_arguments_are_fields_of_a_request():
    for name in ("generate", "fill", "vary"):
        own = {"primer", "melody", "keep", "bars", "follow_chords"}
        assert TOOLS[name].arguments.keys() - own <= Request.model_fields.keys()
    for tool in TOOLS.values():
        assert all({"description", "enum", "type", "anyOf"} & schema.keys() for schema in tool.arguments.values())


class Output(io.BytesIO):
    """What was written, a message each line."""

    @property
    def messages(self):
        return [json.loads(line) for line in self.getvalue().splitlines()]


def passed(data):
    """The lines that pass the transport, and what is answered to the others."""
    out = Output()

    async def read():
        return [line async for line in _Lines(io.BytesIO(data), out)]

    return asyncio.run(read()), out.messages


PING = b'{"jsonrpc":"2.0","id":2,"method":"ping"}\n'


@pytest.mark.parametrize(
    ("start", "end", "number"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"', b'"}\n', 7),
        (b'{"method":"', b'","jsonrpc":"2.0","id":"seven"}\n', "seven"),
        (b'{"method":"', b'"}\n', None),
        (b"", b"", None),
    ],
    ids=["number first", "number last", "no number", "no end"],
)
def test_a_message_that_is_too_long_is_refused_and_the_next_is_read(start, end, number):
    long = start + b"x" * (2 * MAX_LINE_BYTES) + end
    lines, answers = passed(PING + long + (PING if end else b""))
    assert len(lines) == (2 if end else 1)
    (refused,) = answers
    assert refused["id"] == number
    assert refused["error"]["code"] == types.INVALID_REQUEST


@pytest.mark.parametrize("line", [b"nonsense", b"[" * 100_000, b"{}", b"\xff\xfe", b"[1]", b'"a"'])
def test_what_is_no_message_is_refused_and_the_next_is_read(line):
    lines, answers = passed(line + b"\n\n" + PING)
    assert len(lines) == 1
    assert [answer["error"]["code"] for answer in answers] == [types.PARSE_ERROR]


def test_a_folder_that_is_not_there_is_refused(capsys):
    assert run(["mcp", "--folder", "no-such-folder"]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_client_is_answered_once_a_worker_is_warm(models):
    async def opened():
        studio = Studio(*offered([models["event"]]), 1, Seconds())
        async with Client(server_of(Tools(studio, None))):
            assert len(studio.pool._idle) == 1

    asyncio.run(opened())
