"""Playing live over a WebSocket: what is played is answered, what is wrong is told, whoever goes leaves nothing."""

import asyncio
import base64
import json
import time
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from melodysynthesis import formats
from melodysynthesis.apps.studio import limits, live
from melodysynthesis.apps.studio.api import application
from melodysynthesis.apps.studio.command import offered
from melodysynthesis.apps.studio.limits import Seconds
from melodysynthesis.apps.studio.pool import Worker
from melodysynthesis.formats import json as melody_json

SOCKET = "ws://localhost:8765/api/live"
PATIENCE = 60.0
QUICK = {"type": "play", "tempo": 300, "at": "beat", "pause": 4, "bars": 1, "request": {"key": "C major", "seed": 1}}
QUARTER = 60 / 300


class Page:
    """One who plays: it asks what has come by pings, so that no test waits for what never comes."""

    def __init__(self, socket):
        self.socket, self.heard, self.over = socket, [], None

    def send(self, **message):
        self.socket.send_json(message)

    def listen(self):
        """All that has come up to now."""
        sent = time.monotonic()
        self.send(type="ping", sent=sent)
        while True:
            message = self.socket.receive_json()
            self.heard.append(message)
            if message["type"] == "pong" and message["sent"] == sent:
                return message

    def until(self, kind, count=1):
        """The messages of a kind, of which so many are waited for."""
        deadline = time.monotonic() + PATIENCE
        while len(found := [message for message in self.heard if message["type"] == kind]) < count:
            assert time.monotonic() < deadline, [message for message in self.heard if message["type"] != "pong"]
            self.listen()
            time.sleep(0.02)
        return found

    def notes(self, status, channel=0):
        return [m for m in self.heard if m["type"] == "midi" and m["data"][0] == status | channel]

    def sounding(self):
        """Keys that have gone down and not up, in the order of their due times."""
        messages = sorted((m for m in self.heard if m["type"] == "midi"), key=lambda m: m["at"])
        down = {tuple(m["data"][1:2]) for m in messages if m["data"][0] == 0x90}
        return {key for key in down if len(self.of(0x90, key)) != len(self.of(0x80, key))}

    def of(self, status, key):
        return [m for m in self.notes(status) if tuple(m["data"][1:2]) == key]

    def bar(self, pitches=(60, 62, 64, 65)):
        """A phrase, played at once; each note says when it was."""
        start = self.listen()["now"] - 0.4
        for number, pitch in enumerate(pitches):
            self.send(type="midi", data=[0x90, pitch, 70], at=start + 0.1 * number)
            self.send(type="midi", data=[0x80, pitch, 0], at=start + 0.1 * number + 0.09)


@contextmanager
def playing(client, **fields):
    with client.websocket_connect(SOCKET) as socket:
        page = Page(socket)
        page.send(**(QUICK | fields))
        page.until("ready")
        yield page


def closed(page):
    """The last words of a conversation that the studio ends, and its code."""
    told = None
    while True:
        try:
            message = page.socket.receive_json()
        except WebSocketDisconnect as error:
            return told, error.code
        told = message.get("message", told)


def test_a_phrase_is_answered_ahead_of_time_in_the_key(client):
    with playing(client) as page:
        page.bar()
        page.until("midi", 6)
        page.until("written")
        assert page.until("said")[0]["text"] == "heard 4 notes; answering 1 bar"
        ons = page.notes(0x90)
        assert {m["data"][1] % 12 for m in ons} <= {0, 2, 4, 5, 7, 9, 11}
        dues = [m["at"] for m in ons]
        assert dues == sorted(dues)
        spacing = [(due - dues[0]) / (QUARTER / 24) for due in dues]
        assert spacing == pytest.approx([round(ticks) for ticks in spacing], abs=1e-3)


def test_an_answer_has_a_form(client):
    rules = {"key": "C major", "form": "AA", "seed": 1}
    with playing(client, bars=2, request=rules) as page:
        page.bar()
        first = page.until("midi")[0]["at"]
        while page.listen()["now"] < first + 9 * QUARTER:  # a beat more, as a busy machine sends late
            time.sleep(0.05)
        ons = [(m["at"], m["data"][1]) for m in page.notes(0x90) if m["at"] < first + 7.75 * QUARTER]
        half = len(ons) // 2
        assert half
        assert [pitch for _, pitch in ons[:half]] == [pitch for _, pitch in ons[half:]]
        apart = [late - early for (early, _), (late, _) in zip(ons[:half], ons[half:], strict=True)]
        assert apart[1:] == pytest.approx([4 * QUARTER] * (half - 1), abs=1e-3)
        # A busy machine may begin late, by less than half a beat, and never early.
        assert -1e-3 < 4 * QUARTER - apart[0] < QUARTER / 2


def test_along_it_plays_while_the_person_plays(client):
    with playing(client, along=True, bars=None, at="bar") as page:
        for _ in range(12):
            page.bar()
            if page.notes(0x90):
                break
            time.sleep(0.2)
        page.until("midi", 2)
        assert page.notes(0x90)


def test_a_metronome_clicks_on_channel_ten_as_steadily_as_it_is_due(client):
    with playing(client, click=True) as page:
        page.until("midi", 10)
        dues = [m["at"] for m in page.notes(0x90, 9)]
        assert dues == pytest.approx([dues[0] + QUARTER * n for n in range(len(dues))], abs=1e-4)


def test_panic_silences(client):
    with playing(client, bars=16, along=False) as page:
        page.bar()
        page.until("midi", 3)
        page.send(type="panic")
        deadline = time.monotonic() + PATIENCE
        while not page.notes(0xB0):
            assert time.monotonic() < deadline
            page.listen()
        page.listen()
        assert page.sounding() == set()
        (order,) = page.notes(0xB0)
        assert order["data"] == [0xB0, 123, 0]


def test_what_was_played_comes_back_as_a_file_and_as_melodies(client):
    with playing(client) as page:
        page.bar()
        page.until("midi", 2)
        time.sleep(6 * QUARTER)
        page.send(type="stop")
        told = page.until("recording")[0]
        assert page.sounding() == set()
        assert told["person"] == 4
        melodies = {name: melody_json.from_dict(melody) for name, melody in told["melodies"].items()}
        assert melodies["You"].pitches == (60, 62, 64, 65)
        assert len(melodies["Together"].notes) == 4 + len(melodies["Model"].notes)
        file = formats.read_bytes(base64.b64decode(told["midi"]), "mid", "take.mid").melodies[0]
        assert str(file.key) == "C major"


def test_other_settings_begin_anew_with_the_same_process(client):
    with playing(client) as page:
        page.bar()
        page.until("midi", 2)
        page.send(**(QUICK | {"request": {"meter": "3/4", "key": "G major", "temperature": 0.5}, "tempo": 200}))
        assert page.until("ready", 2)[1]["request"]["meter"] == "3/4"
        page.heard.clear()
        page.bar((67, 69, 71, 67))
        page.until("midi", 2)
        assert {m["data"][1] % 12 for m in page.notes(0x90)} <= {7, 9, 11, 0, 2, 4, 6}


def test_two_play_at_once_and_neither_hears_the_other(client):
    with playing(client) as one, playing(client) as two:
        one.bar((60, 62, 64, 65))
        one.until("midi", 2)
        two.listen()
        assert not two.notes(0x90)
        two.bar((67, 65, 64, 62))
        two.until("midi", 2)
        with client.websocket_connect(SOCKET) as third:
            told, code = closed(Page(third))
        assert "already" in told
        assert code == 1008


def test_the_studio_goes_on_while_somebody_plays(client):
    with playing(client) as page:
        page.bar()
        answer = client.post("/api/generate", json={"bars": 2, "seed": 1})
        assert answer.status_code == 200
        page.until("midi", 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Invalid JSON"),
        ("[]", "should be an object"),
        ("{", "Invalid JSON"),
        ("[" * 10_000, "Invalid JSON"),
        ('{"type": "plat"}', "does not match any of the expected tags"),
        ('{"data": [144, 60, 70]}', "Unable to extract tag"),
        ('{"type": "midi", "data": []}', "midi.data"),
        ('{"type": "midi", "data": [1, 2, 3, 4]}', "midi.data"),
        ('{"type": "midi", "data": [256]}', "less than or equal to 255"),
        ('{"type": "midi", "data": [144, 60, 70], "at": NaN}', "midi.at"),
        ('{"type": "midi", "data": [144, 60, 70], "at": 1e999}', "midi.at"),
        ('{"type": "ping"}', "ping.sent"),
        ('{"type": "panic", "now": 1}', "panic.now"),
        ('{"type": "play", "tempo": 5000}', "tempo 5000: expected 20 to 400"),
        ('{"type": "play", "tempo": "NaN"}', "play.tempo"),
        ('{"type": "play", "bars": 99}', "bars 99: expected 1 to 16 bars"),
        ('{"type": "play", "at": "noon"}', "play.at"),
        ('{"type": "play", "along": true, "trade": 2}', "playing along takes no turns"),
        ('{"type": "play", "request": {"key": "H major"}}', "German H is B"),
        ('{"type": "play", "request": {"model": "/etc/passwd"}}', "is not one of the studio's"),
        ('{"type": "play", "request": {"primer": "C4:1"}}', "live, the melody is what is played"),
        ('{"type": "play", "request": {"form": "AA", "key": "C"}}', "a form needs answers that all have as many bars"),
        ('{"type": "play", "request": {"tempo": 3}}', "no field 'tempo'"),
        ('{"type": "play", "request": 3}', "play.request"),
        ('{"type": "' + "x" * 30_000 + '"}', "at most 20,000 are read"),
        ("\0", "Invalid JSON"),
    ],
)
def test_a_bad_message_is_told_in_a_line_and_the_conversation_goes_on(client, text, told):
    with client.websocket_connect(SOCKET) as socket:
        page = Page(socket)
        socket.send_text(text)
        message = page.until("mistake")[0]["message"]
        assert told in message
        assert "\n" not in message
        assert page.listen()["type"] == "pong"


def test_bytes_are_no_message(client):
    with client.websocket_connect(SOCKET) as socket:
        socket.send_bytes(b"\x90\x3c\x40")
        assert Page(socket).until("mistake")


def test_notes_before_anything_is_played_are_no_matter(client):
    with client.websocket_connect(SOCKET) as socket:
        page = Page(socket)
        page.send(type="midi", data=[0x90, 60, 70])
        page.send(type="panic")
        page.send(type="stop")
        assert page.until("recording")[0]["melodies"] == {}


def test_times_that_can_not_be_are_brought_within_reason(client):
    with playing(client) as page:
        for at in (-1e300, 1e300, 0, None):
            page.send(type="midi", data=[0x90, 60, 70], at=at)
            page.send(type="midi", data=[0x80, 60, 0], at=at)
        page.until("midi", 2)


def test_a_flood_ends_the_conversation(client, monkeypatch):
    monkeypatch.setattr(limits, "MAX_MESSAGES_A_SECOND", 2)  # so that a busy machine floods too
    with client.websocket_connect(SOCKET) as socket:
        for _ in range(100):
            socket.send_text('{"type": "midi", "data": [144, 60, 1]}')
        told, code = closed(Page(socket))
    assert "messages a second" in told
    assert code == 1008


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:9999", "null"])
def test_a_foreign_page_can_not_play(client, origin):
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(SOCKET, headers={"origin": origin}),
    ):
        pass
    assert refused.value.code == 4403


@pytest.fixture
def workers(monkeypatch):
    """The processes that are started."""
    started, start = [], Worker.start.__func__

    async def kept(cls, models):
        started.append(await start(cls, models))
        return started[-1]

    monkeypatch.setattr(Worker, "start", classmethod(kept))
    return started


def gone(workers):
    deadline = time.monotonic() + PATIENCE
    while any(worker.alive for worker in workers):
        assert time.monotonic() < deadline, "a process is left"
        time.sleep(0.05)
    return True


def test_who_goes_while_notes_sound_leaves_no_process_and_a_free_place(client, workers):
    for _ in range(limits.MAX_PLAYERS_EACH + 1):
        with playing(client, bars=16) as page:
            page.bar()
            page.until("midi", 1)
        assert gone(workers)
    assert len(workers) == limits.MAX_PLAYERS_EACH + 1


def test_who_goes_while_the_model_is_made_ready_leaves_nothing(client, workers):
    with client.websocket_connect(SOCKET) as socket:
        socket.send_json(QUICK)
    with playing(client) as page:
        assert page.listen()
    assert gone(workers)


def test_a_worker_that_dies_ends_the_conversation_in_words(client, workers):
    with playing(client) as page:
        workers[-1]._process.kill()
        page.bar()
        told, code = closed(page)
    assert "your playing is not at fault" in told
    assert code == 1008
    assert gone(workers)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(Seconds(silent=0.2), "no message came for 0.2 seconds"), (Seconds(unplayed=0.0), "no note was played")],
)
def test_who_falls_asleep_is_not_waited_for(models, seconds, told):
    files, cards = offered([models["event"]])
    app = application(files, cards, workers=1, seconds=seconds)
    with TestClient(app, base_url="http://localhost:8765") as client, client.websocket_connect(SOCKET) as socket:
        socket.send_json({"type": "ping", "sent": 1})
        assert told in closed(Page(socket))[0]


def test_a_page_that_takes_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNSENT", 3)

    class Stuck:
        async def receive(self):
            await asyncio.sleep(0.02)
            return {"type": "websocket.receive", "text": json.dumps({"type": "ping", "sent": 1})}

        async def send_json(self, message):
            await asyncio.sleep(60)

    class Nothing:
        seconds, files = Seconds(), {}

    async def talk():
        with pytest.raises(live.LimitError, match="too slow"):
            await live.LiveConnection(Nothing(), Stuck(), live.LiveConnections()).run()

    asyncio.run(talk())


def test_the_messages_are_documented(client):
    told = client.get("/api/openapi.json").json()["info"]["description"]
    for name in ("play", "midi", "panic", "recording", "ready", "written", "mistake"):
        assert f"\n    {name} " in told
