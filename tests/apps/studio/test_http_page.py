"""What the page about the HTTP interface shows is answered as it says."""

import json
import re
import shlex
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError

from melodysynthesis import formats

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "http.md").read_text()
TUNE = "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|\n"


def test_the_page_s_python_runs(client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
        exec(block, names)
        if number == 0:
            names["urlopen"] = lambda asked: _opened(client, asked)
    melody, longer = names["melody"], names["longer"]
    assert longer["notes"][: len(melody["notes"])] == melody["notes"]
    assert len(names["others"]) == 2
    assert len(formats.read("melody.mid").melodies[0].notes) == len(melody["notes"])


def _opened(client, asked):
    answer = client.post(asked.full_url, content=asked.data, headers=dict(asked.headers))
    if answer.is_error:
        raise HTTPError(asked.full_url, answer.status_code, "", {}, BytesIO(answer.content))
    return BytesIO(answer.content)


def test_the_page_s_curl_commands_are_answered(client):
    (shell,) = [block for block in [" ".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL))] if block]
    commands = re.sub(r"#[^\n]*\n", "", shell).replace("\\\n", " ").split("curl ")[1:]
    assert len(commands) == 4
    for command in commands:
        words = shlex.split(command)
        url = next(word for word in words if word.startswith("http"))
        if "--data-binary" in words:
            body = TUNE
        else:
            body = words[words.index("-d") + 1]
            json.loads(body)
        answer = client.post(url, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
