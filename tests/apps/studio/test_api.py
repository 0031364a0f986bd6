"""The studio's interface: what it gives is what the library gives, and what is wrong is told in a line."""

import json

import pytest
from fastapi.testclient import TestClient

from melodysynthesis import formats
from melodysynthesis.apps.studio.api import application
from melodysynthesis.apps.studio.command import offered, report_in
from melodysynthesis.apps.studio.json_schema import DOWNLOADS
from melodysynthesis.apps.web.guard import MAX_BODY_BYTES
from melodysynthesis.errors import MelodyError
from melodysynthesis.evaluation.descriptors import NAMES
from melodysynthesis.evaluation.evaluate import evaluate
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.loading import open_model

SOCKET = "ws://localhost:8765/api/generate"
PLAIN = {"bars": 4, "meter": "4/4", "key": "G major", "seed": 3, "count": 3}
RULED = PLAIN | {"scale": "major", "range": "D4-G5", "count": 2, "particles": 4}
IMPOSSIBLE = {
    "bars": 2,
    "meter": "4/4",
    "key": "C major",
    "range": "C#4-D#4",
    "scale": "major-pentatonic",
    "cadence": True,
}


def streamed(client, request):
    """All messages that answer a request."""
    with client.websocket_connect(SOCKET) as socket:
        socket.send_json(request)
        messages = [socket.receive_json()]
        while messages[-1]["type"] not in ("done", "mistake"):
            messages.append(socket.receive_json())
    return messages


@pytest.fixture(scope="module")
def tune(client):
    return client.post("/api/generate", json=PLAIN).json()["melodies"][0]["melody"]


@pytest.mark.parametrize("request_", [PLAIN, RULED], ids=["plain", "with rules"])
def test_melodies_are_those_of_the_library(client, models, request_):
    expected = [made.melody for made in generate(open_model(models["event"])[0], Request(**request_))]
    answer = client.post("/api/generate", json=request_)
    assert answer.status_code == 200, answer.text
    made = answer.json()["melodies"]
    assert [melody_json.from_dict(one["melody"]) for one in made] == expected
    messages = streamed(client, request_)
    whole = {message["index"]: message["melody"] for message in messages if message["type"] == "melody"}
    assert [melody_json.from_dict(whole[index]) for index in sorted(whole)] == expected


def test_notes_come_before_the_melody_and_without_rules_are_its_beginning(client):
    messages = streamed(client, PLAIN)
    assert messages[0]["type"] == "request"
    notes: dict[int, list] = {}
    for message in messages:
        if message["type"] == "notes":
            assert message["keep"] <= len(notes.get(message["index"], []))
            notes[message["index"]] = notes.get(message["index"], [])[: message["keep"]] + message["notes"]
        if message["type"] == "melody":
            drafted, whole = notes[message["index"]], message["melody"]["notes"]
            assert len(drafted) >= len(whole) - 1
            assert drafted == whole[: len(drafted)]
    assert len(notes) == PLAIN["count"]


@pytest.mark.parametrize(
    "fields",
    [
        {"form": "AABA", "range": "C4-C5", "bars": 4, "meter": "2/4", "key": "C major"},
        {"form": "AA'", "range": "C4-C5", "bars": 2, "meter": "4/4", "key": "C major", "contour": "+ - + 0"},
        {"scale": "major", "meter": "4/4", "bars": 2},
        {"scale": "major"},
    ],
    ids=["form", "form and contour", "no key", "no key, no bars"],
)
def test_drafts_of_any_rules_have_the_numbers_of_their_melodies(client, fields):
    request = {"seed": 3, "count": 3, "temperature": 3, **fields}
    messages = streamed(client, request)
    assert messages[-1]["type"] == "done", messages[-1]
    drafted = {message["index"] for message in messages if message["type"] == "notes"}
    whole = {message["index"] for message in messages if message["type"] == "melody"}
    assert drafted == whole == {0, 1, 2}


def test_each_melody_has_its_certificate(client):
    messages = streamed(client, RULED)
    assert [message["type"] for message in messages][-5:] == ["melody", "melody", "judged", "judged", "done"]
    for message in messages:
        if message["type"] == "judged":
            assert message["certificate"]["verdict"] == "kept"
            assert {rule["rule"] for rule in message["certificate"]["rules"]} >= {"scale", "range", "bars", "meter"}
            assert "unknown" in message["originality"]  # the test's corpus is none that anybody has


def test_each_note_has_its_bits(client, models, tune):
    judged = next(message for message in streamed(client, PLAIN) if message["type"] == "judged")
    assert len(judged["surprise"]) == len(tune["notes"])
    expected = evaluate(open_model(models["event"])[0], [melody_json.from_dict(tune)])
    assert judged["surprise"] == pytest.approx(expected.note_bits.tolist(), abs=1e-3)


def test_bars_are_rewritten_and_all_else_stays(client, tune):
    answer = client.post("/api/generate", json={"within": tune, "rewrite": "2-3", "seed": 8})
    assert answer.status_code == 200, answer.text
    new = answer.json()["melodies"][0]["melody"]
    bar = 96

    def outside(notes):
        return [note for note in notes if note[0] < bar or note[0] >= 3 * bar]

    assert new["duration"] == tune["duration"]
    assert outside(new["notes"])[-1] == outside(tune["notes"])[-1]
    assert [note for note in new["notes"] if note[0] < bar] == [note for note in tune["notes"] if note[0] < bar]


def test_a_melody_is_gone_on_with(client, tune):
    primer = tune | {"notes": [note for note in tune["notes"] if note[0] < 96], "duration": 96, "phrase_ends": []}
    answer = client.post("/api/generate", json={"primers": [primer], "bars": 4, "seed": 1})
    assert answer.status_code == 200, answer.text
    made = answer.json()["melodies"][0]["melody"]["notes"]
    assert made[: len(primer["notes"])] == primer["notes"]
    assert len(made) > len(primer["notes"])


@pytest.mark.slow
def test_the_least_max_copy_with_the_defaults_of_the_page_gives_melodies():
    """So strict a rule drives the model to long rests, and the tunes that it looks up are those of a shipped model."""
    request = {"model": "lstm", "key": "G major", "meter": "3/4", "bars": 8, "count": 3, "temperature": 0.9}
    files, cards = offered(["lstm"])
    with TestClient(application(files, cards, workers=1), base_url="http://localhost:8765") as client:
        messages = streamed(client, request | {"max_copy": 1, "seed": 1})
    assert messages[-1]["type"] == "done", messages[-1]
    judged = [message for message in messages if message["type"] == "judged"]
    assert len(judged) == request["count"]
    assert {message["certificate"]["verdict"] for message in judged} == {"kept"}


def test_rules_that_conflict_are_named(client):
    message = streamed(client, IMPOSSIBLE)[-1]
    assert message["type"] == "mistake"
    assert message["message"].startswith("no melody keeps")
    assert "range" in message["message"]
    assert client.post("/api/generate", json=IMPOSSIBLE).json()["message"] == message["message"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"bars": 65}, "at most 64"),
        ({"count": 9}, "at most 8"),
        ({"drafts": 17}, "at most 16"),
        ({"judge": "/etc/passwd"}, "the studio has a judge of its own"),
        ({"model": "/etc/passwd"}, "is not one of the studio's"),
        ({"model": "../lstm"}, "is not one of the studio's"),
        ({"key": "H major"}, "German H is B"),
        ({"primer": "nonsense"}, "inline note"),
        ({"tempo": 3}, "no field 'tempo'"),
        ({"temperature": 0, "count": 4}, "the same melody 4 times"),
    ],
)
def test_a_wrong_request_is_told_in_a_line(client, fields, told):
    answer = client.post("/api/generate", json=fields)
    assert answer.status_code == 422
    assert told in answer.json()["message"]
    assert streamed(client, fields)[-1] == {"type": "mistake", "message": answer.json()["message"]}


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "[" * 100_000], ids=["empty", "list", "open", "text", "deep"])
def test_what_is_no_request_is_refused(client, text):
    with client.websocket_connect(SOCKET) as socket:
        socket.send_text(text)
        assert socket.receive_json()["type"] == "mistake"
    answer = client.post("/api/generate", content=text, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("format", [format for format in DOWNLOADS if formats.named(format).read])
def test_files_that_are_taken_away_can_be_opened_again(client, tune, format):
    file = client.post(f"/api/convert/{format}", json={"melody": tune})
    assert file.status_code == 200
    assert file.headers["content-disposition"] == f'attachment; filename="melody.{format}"'
    opened = client.post("/api/open", params={"name": f"tune.{format}"}, content=file.content)
    assert opened.status_code == 200, opened.text
    (melody,) = opened.json()["melodies"]
    assert (melody["notes"], melody["meters"], melody["key"]) == (tune["notes"], tune["meters"], tune["key"])


def test_a_part_of_a_file_is_opened(client):
    voices = b"X:1\nM:4/4\nL:1/4\nK:C\nV:1\nV:2\n[V:1] cdef|\n[V:2] CDEF|\n"
    first = [
        client.post("/api/open", params={"name": "a.abc"} | part, content=voices).json()["melodies"][0]["notes"][0][2]
        for part in ({}, {"part": "2"})
    ]
    assert first == [72, 60]
    refused = client.post("/api/open", params={"name": "a.abc", "part": "3"}, content=voices)
    assert refused.status_code == 422
    assert "no voice '3'; there are 1, 2" in refused.text


@pytest.mark.parametrize(("format", "sign"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("wav", b"RIFF")])
def test_pictures_and_sound_are_taken_away(client, tune, format, sign):
    assert client.post(f"/api/convert/{format}", json={"melody": tune}).content.startswith(sign)


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("broken.mid", b"MThd\0\0\0\6\0\1", 422),
        ("empty.abc", b"", 422),
        ("picture.png", b"\x89PNG\r\n", 422),
        ("what", b"\0\1\2", 422),
        ("../../etc/passwd", b"X:1\nK:C\nCDEF|", 422),
        ("bomb.musicxml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><score-partwise>&a;', 422),
        ("large.abc", b"A" * (MAX_BODY_BYTES + 1), 413),
    ],
)
def test_a_broken_file_is_told_in_a_line(client, name, data, status):
    answer = client.post("/api/open", params={"name": name}, content=data)
    assert answer.status_code == status
    assert "\n" not in answer.json()["message"]


def test_a_file_without_a_suffix_is_known_by_its_beginning(client):
    answer = client.post("/api/open", params={"name": "tune"}, content=b"X:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n")
    assert answer.status_code == 200, answer.text
    assert [note[2] for note in answer.json()["melodies"][0]["notes"]] == [60, 62, 64, 65]


def test_every_note_of_a_score_has_its_elements(client, tune):
    answer = client.post("/api/score", json={"melody": tune, "width": 700}).json()
    assert answer["svg"].lstrip().startswith("<svg")
    assert "<style" not in answer["svg"]
    assert "<script" not in answer["svg"]
    assert len(answer["notes"]) == len(tune["notes"])
    for names in answer["notes"]:
        assert names
        assert all(f'id="{name}"' in answer["svg"] for name in names)


def test_a_tied_note_has_an_element_for_each_part(client):
    tied = {"notes": [[0, 48, 60], [48, 96, 62], [144, 48, 64]], "duration": 192, "meters": [[0, 4, 4]]}
    names = client.post("/api/score", json={"melody": tied}).json()["notes"]
    assert [len(of_note) for of_note in names] == [1, 2, 1]


def test_a_sound_is_of_one_note_and_kept(client):
    first = client.get("/api/sounds/69.wav")
    assert first.content.startswith(b"RIFF")
    assert "immutable" in first.headers["cache-control"]
    assert client.get("/api/sounds/69.wav").content == first.content
    assert client.get("/api/sounds/128.wav").status_code == 422


def test_a_melody_changed_by_hand_is_judged_anew(client, tune):
    changed = tune | {"notes": [[onset, ticks, 61] for onset, ticks, _ in tune["notes"]]}
    answer = client.post("/api/judge", json={"melody": changed, "request": RULED}).json()
    assert answer["certificate"]["verdict"] == "broken"
    assert answer["statistics"]["lowest"] in ("C#4", "Db4")


@pytest.mark.parametrize(
    "melody", [{}, {"notes": 3}, {"notes": [[0, 0, 60]], "duration": 9}, {"notes": [], "duration": 10**9}, []]
)
def test_what_is_no_melody_is_refused(client, melody):
    for path in ("/api/score", "/api/convert/mid", "/api/judge"):
        answer = client.post(path, json={"melody": melody})
        assert answer.status_code == 422


def test_the_interface_is_documented(client):
    about = client.get("/api/openapi.json").json()
    assert set(about["paths"]) >= {"/api/generate", "/api/open", "/api/convert/{format}", "/api/score", "/api/judge"}
    asked = about["paths"]["/api/generate"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(asked["properties"]) == set(Request.model_fields)
    assert {model["name"] for model in client.get("/api/models").json()} >= {"scale-event", "lstm"}
    assert "dorian" in client.get("/api/terms").json()["scales"]
    assert json.dumps(about).count("summary") >= 8


def test_people_s_figures_are_told_and_each_melody_s_own(client):
    people = client.get("/api/people").json()
    judged = next(message for message in streamed(client, PLAIN) if message["type"] == "judged")
    assert list(judged["descriptors"]) == list(NAMES) == list(people["essen-german"]["bands"])


def test_without_a_study_there_is_no_report(client):
    answer = client.get("/api/study")
    assert answer.status_code == 404
    assert "melody studio --study" in answer.json()["message"]
    assert client.get("/api/terms").json()["study"] is False


def test_a_study_s_report_is_shown_and_runs_nothing(models, tmp_path):
    files, cards = offered([models["event"]])
    with pytest.raises(MelodyError, match=r"there is no report\.html in this folder: melody study report"):
        report_in(tmp_path)
    (tmp_path / "report.html").write_text("<script>alert(1)</script>")
    app = application(files, cards, workers=1, report=report_in(tmp_path))
    with TestClient(app, base_url="http://localhost:8765") as client:
        answer = client.get("/api/study")
        assert answer.text == "<script>alert(1)</script>"
        policy = answer.headers["content-security-policy"]
        assert "sandbox" in policy
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert client.get("/").headers["x-frame-options"] == "DENY"
