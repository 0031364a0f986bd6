"""Whatever is sent, the answer is a melody or a mistake in one line, never a failure."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melodysynthesis.apps.studio.limits import Seconds
from melodysynthesis.apps.studio.service import Studio
from melodysynthesis.errors import MelodyError
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.pretrained import path_of

JSON = {"content-type": "application/json"}
TEXTS = (
    "G major",
    "3/4",
    "4/4 x2, 3/4",
    "D4-G5",
    "AABA'",
    "G | C",
    "1/2 1",
    "+ - 0.",
    "2.1:G4",
    "3-4",
    "\ud800",
    "\0",
    "9" * 40,
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.sampled_from(TEXTS))
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*Request.model_fields, "primer", "self", "fields", "model_config", ""])
NUMBERS = st.integers(-2, 200) | st.integers() | st.booleans() | st.floats() | st.none()
MELODIES = st.fixed_dictionaries(
    {"notes": st.lists(st.lists(NUMBERS, max_size=4) | ANYTHING, max_size=4) | ANYTHING, "duration": NUMBERS},
    optional={
        "meters": st.lists(st.lists(NUMBERS, max_size=4), max_size=3) | ANYTHING,
        "key": st.fixed_dictionaries({"tonic": LEAVES, "mode": ANYTHING}) | ANYTHING,
        "phrase_ends": st.lists(NUMBERS, max_size=3) | ANYTHING,
        "pickup": NUMBERS,
        "source": ANYTHING,
        "ticks_per_quarter": ANYTHING,
    },
)


@settings(max_examples=300)
@given(st.dictionaries(FIELDS, ANYTHING | MELODIES | st.lists(MELODIES, max_size=2), max_size=4))
def test_a_request_is_taken_or_refused_in_words(fields):
    studio = Studio({"lstm": str(path_of("lstm"))}, {}, 1, Seconds())
    with contextlib.suppress(MelodyError):
        assert studio.checked(fields)["model"] == "lstm"


@settings(max_examples=60)
@given(MELODIES, st.sampled_from(["score", "judge", "convert/abc", "convert/musicxml", "convert/mid"]))
def test_a_melody_is_taken_or_refused_in_words(client, melody, path):

    answer = client.post(f"/api/{path}", content=json.dumps({"melody": melody}), headers=JSON)
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        assert "\n" not in answer.json()["message"]


@pytest.mark.parametrize("title", ["\ud800", "\0", "<script>", "a" * 100_000, "\u202e", "\r\nX-Evil: 1"])
@pytest.mark.parametrize("format", ["mid", "musicxml", "abc", "krn", "json", "svg"])
def test_any_title_can_be_written(client, title, format):

    melody = {"notes": [[0, 24, 60]], "duration": 96, "meters": [[0, 4, 4]], "source": title}
    body = json.dumps({"melody": melody})
    answer = client.post(f"/api/convert/{format}", content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
