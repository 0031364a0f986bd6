"""What the page fetches before it is ready is small: a phone on a slow line is no reason to wait."""

import re

MOST_BYTES = 200_000
DATA = ("/api/terms", "/api/models", "/api/theory")


def test_the_first_load_is_at_most_200_kilobytes(client):
    waiting, sizes = ["/", *DATA], {}
    while waiting:
        path = waiting.pop()
        answer = client.get(path, headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200, path
        sizes[path] = int(answer.headers["content-length"])
        found = re.findall(r'(?:href|src)="([\w-]+\.(?:css|js|svg))"', answer.text) if path == "/" else []
        found += (
            re.findall(r'^import .* from "\./([\w-]+\.js)"', answer.text, re.MULTILINE) if path.endswith(".js") else []
        )
        waiting += {f"/{name}" for name in found} - {*sizes, *waiting}
    assert len(sizes) > 25
    assert sum(sizes.values()) <= MOST_BYTES, sizes
