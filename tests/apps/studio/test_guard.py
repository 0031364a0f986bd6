"""Who may ask: pages of strangers, names of strangers, and paths to files get nothing."""

import pytest
from starlette.websockets import WebSocketDisconnect

SOCKET = "ws://localhost:8765/api/generate"
HOME = "http://localhost:8765"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8765", "", "127.0.0.1.nip.io", "[::1"])
def test_a_foreign_host_name_is_refused(client, host):
    answer = client.get("/api/models", headers={"host": host})
    assert answer.status_code == 403
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:8765", "[::1]:8765", "LOCALHOST:8765"])
def test_this_machine_has_several_names(client, host):
    assert client.get("/api/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:9999", "null", "http://127.0.0.1:8765"])
def test_another_page_is_refused(client, origin):
    assert client.post("/api/open?name=a.abc", content=b"", headers={"origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect(SOCKET, headers={"origin": origin}),
    ):
        pass
    assert refused.value.code == 4403


def test_the_own_page_is_served_and_answered(client):
    answer = client.get("/", headers={"origin": HOME, "sec-fetch-site": "same-origin"})
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    with client.websocket_connect(SOCKET, headers={"origin": HOME}) as socket:
        socket.send_json({"bars": 0})
        assert socket.receive_json()["type"] == "mistake"


def test_a_request_that_a_stranger_s_page_causes_without_an_origin_is_refused(client):
    assert client.get("/api/sounds/60.wav", headers={"sec-fetch-site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/../api.py", "/%2e%2e/api.py", "/..%2f..%2fcli.py", "//etc/passwd", "/static/../api.py"]
)
def test_no_path_leads_out_of_the_page_s_folder(client, path):
    answer = client.get(path)
    assert answer.status_code in (404, 405)
    assert b"import" not in answer.content
