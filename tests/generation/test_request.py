import pytest

from melodysynthesis.encodings import encoding_from
from melodysynthesis.errors import MelodyError, RequestError
from melodysynthesis.generation.prompt import bars_beyond, prompt_for
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.notation import parse_notes


def test_a_request_reads_what_people_type():
    request = Request(key="G major", meter="3/4", pickup="1", bars=8, primer="G4:1")
    assert (request.key, request.meter, request.pickup) == (Key("G"), Meter(0, 3, 4), 24)
    assert request.primers == (parse_notes("G4:1"),)


def test_a_request_survives_json():
    request = Request(seed=3, key="e minor", meter="6/8", pickup="1/2", primer="E4:1/2 F#4", temperature=0.7, top_k=5)
    assert Request(**request.model_dump(mode="json")) == request
    assert Request.model_validate_json(request.model_dump_json()) == request


def test_a_seed_nobody_chose_is_told():
    assert 0 <= Request().seed < 1_000_000


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"count": 0}, "count must be a whole number from 1 to 100000, not '0'"),
        ({"count": 100_001}, "count"),
        ({"count": "many"}, "count must be a whole number from 1 to 100000, not 'many'"),
        ({"seed": -1}, "seed must be a whole number from 0 to 9223372036854775807"),
        ({"temperature": -0.1}, "temperature must be a number from 0 to 100, not '-0.1'"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top-k must be a whole number of at least 1, not '0'"),
        ({"top_p": 0}, "top-p must be a number above 0 and at most 1"),
        ({"top_p": 1.01}, "top-p must be a number above 0 and at most 1, not '1.01'"),
        ({"bars": 0}, "bars"),
        ({"bars": 10_000}, "bars must be a whole number from 1 to 127, not '10000'"),
        ({"temperature": 0, "top_k": 3}, "no effect"),
        ({"temperature": 0, "count": 2}, "same melody 2 times"),
        ({"bars": 4, "max_steps": 10}, "can't be given together"),
        ({"pickup": "1"}, "needs a meter"),
        ({"pickup": "3", "meter": "3/4"}, "no shorter than a bar"),
        ({"pickup": "x", "meter": "3/4"}, "duration 'x'"),
        ({"key": "Q"}, "expected a tonic"),
        ({"key": 5}, "key '5'"),
        ({"meter": "3"}, "expected beats"),
        ({"primer": "G4", "primers": ("G4",)}, "can't be given together"),
        ({"primer": {"notes": 3}}, "primer: "),
        ({"primer": Melody((), 24)}, "at least one note"),
        ({"tempo": 120}, "no field 'tempo'"),
        ({"self": 1}, "no field 'self'"),
        ({"model": ""}, "model"),
    ],
)
def test_contradictions_are_refused_in_one_line(fields, match):
    with pytest.raises(RequestError, match=match) as refused:
        Request(**fields)
    assert "\n" not in str(refused.value)


EVENT, GRID = encoding_from({"name": "event"}), encoding_from({"name": "grid"})
TUNE = Melody((Note(0, 24, 67), Note(24, 48, 71)), 72, (Meter(0, 3, 4),), Key("G"), pickup=24)


def test_a_primer_brings_its_frame():
    header = prompt_for(EVENT, Request(), TUNE).header
    assert (header.key, header.meter, header.pickup, header.bars) == (Key("G"), Meter(0, 3, 4), 24, None)


def test_what_is_asked_for_wins_over_the_primer():
    header = prompt_for(EVENT, Request(key="C", meter="2/4", bars=9), TUNE).header
    assert (header.key, header.meter, header.bars) == (Key("C"), Meter(0, 2, 4), 9)


def test_the_key_of_a_primer_without_one_is_found():
    scale = parse_notes("D4:1 E4 F#4 G4 A4 B4 C#5 D5:2")
    assert prompt_for(EVENT, Request(), scale).header.key == Key("D")
    assert prompt_for(GRID, Request(), scale).header.key == Key("D")


def test_grid_text_is_continued_as_it_stands():
    prompt = prompt_for(GRID, Request(held=True), parse_notes("D4:1 E4 F#4 D4:2"))
    assert prompt.header.key is None
    assert GRID.vocabulary[prompt.ids[0]] == "62"


@pytest.mark.parametrize(
    ("encoding", "fields", "primer", "match"),
    [
        (EVENT, {"bars": 1}, TUNE, "set bars to 2 or more"),
        (EVENT, {"bars": 2}, parse_notes("G4"), "the primer says none"),
        (GRID, {"bars": 2}, None, "this model says none"),
        (GRID, {"meter": "1/32"}, None, "a bar of 1/32 is no multiple"),
        (GRID, {"meter": "3/4", "pickup": "1/3"}, None, "a pickup of 0.333"),
        (EVENT, {"meter": "1/8"}, TUNE, "no shorter than a bar"),
        (EVENT, {"pickup": "1", "primer": "G4"}, parse_notes("G4"), "the primer has none"),
        (GRID, {}, parse_notes("C-1:1"), "no token"),
        (GRID, {}, parse_notes("G4:1/3"), "whole number"),
        (
            EVENT,
            {"meter": "4/4"},
            Melody((Note(0, 96, 60),), 96, (Meter(0, 2, 4), Meter(48, 3, 8))),
            "changes its meter",
        ),
    ],
)
def test_contradictions_with_model_or_primer_are_refused(encoding, fields, primer, match):
    with pytest.raises(MelodyError, match=match):
        prompt_for(encoding, Request(**fields), primer)


@pytest.mark.parametrize(
    ("duration", "pickup", "bars"),
    [(24, 0, 1), (71, 0, 1), (72, 0, 2), (73, 0, 2), (24, 24, 1), (71, 24, 1), (72, 24, 2), (95, 24, 2), (96, 24, 2)],
)
def test_the_least_bars_that_leave_room(duration, pickup, bars):
    melody = Melody((Note(0, duration, 60),), duration, (Meter(0, 3, 4),), pickup=pickup)
    assert bars_beyond(melody) == bars
