"""The interface: blind, each participant's own, and bounded; what is acknowledged is kept."""

import json

import pytest
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from melodysynthesis.apps.listen.answers import load_answers
from melodysynthesis.apps.listen.rate import A_SECOND, BURST, MOST_ADDRESSES, Rate

from .conftest import SETS, fill

PAGES = ("/", "/main.js", "/api.js", "/melody.js", "/listen.css", "/studio/dom.js", "/studio/style.css")


def join(client):
    """A participant: the headers that they ask with, and how far they are."""
    answer = client.post("/api/participants", json={"agreed": True})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    return {"authorization": f"Bearer {found.pop('token')}"}, found


def said(question, value=4):
    """An attentive answer to a question."""
    told = question["told"]
    if question["kind"] == "pair":
        return {"place": question["place"], "choice": told or "second", "seconds": 3.5}
    return {"place": question["place"], "pleasing": int(told or value), "human": int(told or value), "seconds": 3.5}


def finish(client):
    """Somebody takes part to the end; every body that they were sent."""
    me, progress = join(client)
    bodies = [json.dumps(progress)]
    while question := progress["question"]:
        answer = client.post("/api/answers", json=said(question), headers=me)
        assert answer.status_code == 200, answer.text
        progress = answer.json()
        bodies.append(answer.text)
    return me, progress, bodies


def test_somebody_takes_part_to_the_end(client, store, test):
    me, progress, _ = finish(client)
    assert progress == {"done": progress["total"], "total": progress["total"], "question": None}
    assert client.get("/api/participant", headers=me).json() == progress
    (participant,) = load_answers(store.engine, test)
    assert all(line.answer and line.seconds == 3.5 for line in participant.trials)


def test_nothing_that_is_sent_tells_of_which_set_a_melody_is(client, test):
    me, _, bodies = finish(client)
    sent = [*bodies, client.get("/api/test").text, client.get("/api/participant", headers=me).text]
    sent += [client.get(path).text for path in PAGES[:5]]
    assert all(word not in body for body in sent for word in (*SETS, "secret", f'"{test.name}"'))
    names = [name for body in bodies for name in (json.loads(body)["question"] or {"sounds": []})["sounds"]]
    assert len(names) == len(set(names))  # even twins, and a melody that is repeated
    assert all(len(name) == 32 and int(name, 16) for name in names)


def test_two_people_know_the_same_melody_by_other_names(client, store, test):
    (_, first), (_, second) = join(client), join(client)
    assert not {*first["question"]["sounds"]} & {*second["question"]["sounds"]}


def test_a_melody_sounds_for_whose_turn_it_is_and_nobody_else(client):
    me, progress = join(client)
    (name,) = progress["question"]["sounds"]
    sound = client.get(f"/api/sounds/{name}.wav", headers=me)
    assert sound.content.startswith(b"RIFF")
    assert sound.headers["content-type"] == "audio/wav"
    assert client.get(f"/api/sounds/{name}.wav").status_code == 401
    other, _ = join(client)
    assert client.get(f"/api/sounds/{name}.wav", headers=other).status_code == 404
    client.post("/api/answers", json=said(progress["question"]), headers=me)
    assert client.get(f"/api/sounds/{name}.wav", headers=me).status_code == 404


@pytest.mark.parametrize("name", ["0", "..%2f..%2fapi", "%c3%a9", "x" * 65, "_"])
def test_any_other_sound_is_refused(client, name):
    me, _ = join(client)
    assert client.get(f"/api/sounds/{name}.wav", headers=me).status_code in (404, 422)


def test_without_a_token_or_with_another_s_nothing_is_read_or_changed(client, store, test):
    me, progress = join(client)
    client.post("/api/answers", json=said(progress["question"]), headers=me)
    before = load_answers(store.engine, test)
    for code in (None, "Bearer x", "Bearer", "Basic eA==", "Bearer é".encode()):
        headers = {"authorization": code} if code else {}
        for method, path, body in (
            ("GET", "/api/participant", None),
            ("DELETE", "/api/participant", None),
            ("POST", "/api/answers", said(progress["question"], 7)),
        ):
            answer = client.request(method, path, json=body, headers=headers)
            assert answer.status_code == 401, (headers, path)
            assert "code" in answer.json()["message"]
    assert load_answers(store.engine, test) == before


def test_an_answer_sent_again_is_acknowledged_and_another_refused(client, store, test):
    me, progress = join(client)
    body = said(progress["question"])
    first = client.post("/api/answers", json=body, headers=me)
    again = client.post("/api/answers", json=body | {"seconds": 9}, headers=me)
    assert (again.status_code, again.json()) == (200, first.json())
    other = client.post("/api/answers", json=body | {"pleasing": 5}, headers=me)
    assert other.status_code == 409
    assert "otherwise" in other.json()["message"]
    late = client.post("/api/answers", json=body | {"place": 3}, headers=me)
    assert late.status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"pleasing": 0}, {"pleasing": 8}, {"pleasing": None}, {"pleasing": 2.5}, {"human": "a lot"}, {"place": -1},
        {"place": 10**9}, {"choice": "third"}, {"choice": "first"}, {"seconds": -1}, {"seconds": 1e30}, {"set": "x"},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_in_a_line(client, store, test, change):
    me, progress = join(client)
    answer = client.post("/api/answers", json=said(progress["question"]) | change, headers=me)
    assert answer.status_code == 422
    assert "\n" not in answer.json()["message"]
    assert load_answers(store.engine, test)[0].trials[0].answer is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"agreed": false}', b"{}"])
def test_nobody_takes_part_without_agreeing(client, store, test, body):
    answer = client.post("/api/participants", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert load_answers(store.engine, test) == []


def test_a_body_that_is_too_large_is_refused(client):
    me, _ = join(client)
    answer = client.post("/api/answers", content=b" " * (2**21 + 1), headers=me | {"content-type": "application/json"})
    assert answer.status_code == 413


def test_who_leaves_is_forgotten(client, store, test):
    me, _, _ = finish(client)
    assert client.delete("/api/participant", headers=me).status_code == 204
    assert client.get("/api/participant", headers=me).status_code == 401
    assert client.delete("/api/participant", headers=me).status_code == 401
    assert load_answers(store.engine, test) == []


def test_a_code_of_another_test_is_nobody_s(client, store):
    other = fill(store, "another")
    token = store.join(other)
    assert client.get("/api/participant", headers={"authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_pages_of_strangers_are_refused(client, headers):
    answer = client.post("/api/participants", json={"agreed": True}, headers=headers)
    assert answer.status_code == 403
    assert "content-security-policy" in answer.headers


def test_the_page_and_what_it_shares_with_the_studio_are_served_and_nothing_else(client):
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
        assert "unsafe" not in answer.headers["content-security-policy"]
    for path in ("/../api.py", "/%2e%2e/store.py", "/..%2fconsent.txt", "/studio/%2e%2e/api.py", "//etc/passwd"):
        assert client.get(path).status_code in (404, 405)


def test_the_interface_is_documented(client):
    about = client.get("/api/openapi.json").json()
    assert set(about["paths"]) == {
        "/api/test", "/api/participants", "/api/participant", "/api/answers", "/api/sounds/{name}.wav"
    }  # fmt: skip
    for path in ("/api/answers", "/api/participant"):
        assert all(of_method.get("security") for of_method in about["paths"][path].values())


def test_a_database_that_fails_is_told_and_nothing_is_acknowledged(client, store, test):
    me, progress = join(client)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("alter table listen_answer rename to away")
    answer = client.post("/api/answers", json=said(progress["question"]), headers=me)
    assert answer.status_code == 503
    assert "try again" in answer.json()["message"]
    with store.engine.begin() as connection:
        connection.exec_driver_sql("alter table away rename to listen_answer")
    assert client.post("/api/answers", json=said(progress["question"]), headers=me).status_code == 200


def test_who_asks_too_often_waits_while_others_do_not():
    now = [0.0]
    limited = Rate(PlainTextResponse("here"), lambda: now[0])
    busy, calm = (TestClient(limited, client=(address, 1)) for address in ("1.1.1.1", "2.2.2.2"))
    answers = [busy.get("/").status_code for _ in range(BURST + 5)]
    assert answers == [200] * BURST + [429] * 5
    assert "too many requests" in busy.get("/").json()["message"]
    assert calm.get("/").status_code == 200
    now[0] += 1
    again = [busy.get("/").status_code for _ in range(int(A_SECOND) + 1)]
    assert again == [200] * int(A_SECOND) + [429]


def test_addresses_are_forgotten_when_there_are_too_many():
    rate = Rate(None, lambda: 0.0)
    for number in range(MOST_ADDRESSES + 100):
        assert rate._allows(str(number))
    assert len(rate._buckets) == MOST_ADDRESSES
