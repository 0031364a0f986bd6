"""Everything that is derived from the table of rules; a toy rule is added in one file, and works everywhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from melodysynthesis.apps.request_options import with_request_options
from melodysynthesis.certificate import CHECKS
from melodysynthesis.constraints.rules import RULES, describe
from melodysynthesis.constraints.specification import fields_of
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request

ROOT = Path(__file__).parents[2]
FIELDS = {field.name: field for field in fields_of(RULES.values())}

TOY = '''
"""No pitch twice in a row: a rule in one file."""

from melodysynthesis.constraints.rule import StatelessRule, where
from melodysynthesis.constraints.specification import RuleSpec
import numpy as np


class NoRepeats(StatelessRule):
    def transitions(self, symbol):
        same = self.context.intervals == 0
        same[-1] = False  # there is no note before the first
        return where(np.hstack([~same, np.ones((len(same), 1), np.bool_)]))[None]


SPEC = RuleSpec(
    name="no_repeats", label="no repeated pitches", type=bool, example=True, default=False,
    help="No pitch twice in a row.",
    guarantee="Each note has another pitch than the note before it.",
    build=lambda context, values: NoRepeats(context),
)
'''

USE = """
import json, sys
from itertools import pairwise

import toy
from melodysynthesis import certificate
from melodysynthesis.certificate import rules as certificate_rules
from melodysynthesis.certificate.finding import Breach
from melodysynthesis.constraints.rules import RULES, describe

RULES[toy.SPEC.name] = toy.SPEC  # the line of the table


def no_repeats(score, demanded):
    for number, (one, other) in enumerate(pairwise(score.melody.pitches), 1):
        if one == other:
            yield Breach(score.place_of(number), score.name(number), "another pitch")


certificate_rules.CHECKS += (certificate_rules.Check(
    "no_repeats", certificate_rules.reading.plain("no_repeats"), no_repeats, default=False),)

from melodysynthesis.apps.cli import run
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.loading import open_model

engine, _ = open_model("lstm")
fields = {"key": "G major", "meter": "3/4", "bars": 4, "seed": 1, "count": 4, "particles": 2}
free = generate(engine, Request(**fields))
request = Request(**fields, no_repeats=True)
kept = generate(engine, request)
try:
    generate(engine, Request(**fields, no_repeats=True, contour="+ 0"))
    refusal = ""
except RequestError as error:
    refusal = str(error)
written = request.model_dump(mode="json")
verdicts = [[str(certificate.certify(one.melody, written).verdict) for one in made] for made in (free, kept)]
sys.stdout.flush()
try:
    code = run(["generate", "--help"])
except SystemExit as stop:
    code = stop.code
print(json.dumps({
    "code": code, "refusal": refusal, "verdicts": verdicts,
    "repeats": [any(a == b for a, b in pairwise(one.melody.pitches)) for one in kept],
    "schema": Request.model_json_schema(mode="serialization")["properties"]["no_repeats"],
    "described": [one for one in describe() if one["name"] == "no_repeats"],
    "written": written["no_repeats"],
}))
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Output of a program that adds the toy rule: the help of `generate`, and what it found, as JSON."""
    import json

    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.py").write_text(TOY)
    (folder / "use.py").write_text(USE)
    done = subprocess.run([sys.executable, "use.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text, _, found = done.stdout.rstrip().rpartition("\n")
    return text, json.loads(found)


def test_a_toy_rule_is_a_field_of_a_request_and_of_its_schema(toy):
    _, found = toy
    assert found["written"] is True
    assert found["schema"]["description"] == "Each note has another pitch than the note before it."
    assert found["described"][0]["kind"] == "flag"


def test_a_toy_rule_is_a_flag_with_its_help(toy):
    text, found = toy
    assert found["code"] in (0, None)
    assert "--no-repeats" in text
    assert "No pitch twice in a row." in text


def test_a_toy_rule_is_kept_certified_and_refused(toy):
    _, found = toy
    free, kept = found["verdicts"]
    assert set(kept) == {"kept"}
    assert "broken" in free
    assert not any(found["repeats"])
    assert "no melody keeps contour + 0 and no-repeats together" in found["refusal"]


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_an_example_is_read_and_written_again_the_same(field):
    beside = {
        "chromatic": {"scale": "major"},
        "language": {"lyrics": "la la"},
        "phrase_rests": {"phrases": "4 4"},
        "returns": {"returning_motif": "G4:1 A4:1"},
    }.get(field.name, {})
    request = Request(**{**beside, field.name: field.example})
    assert request.model_dump(mode="json")[field.name] == field.example
    assert getattr(request, field.name) != field.default
    assert getattr(Request(), field.name) == field.default


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_what_openapi_and_the_page_are_told_is_the_specification(field):
    schema = Request.model_json_schema(mode="serialization")["properties"][field.name]
    assert schema["description"] == field.guarantee
    (described,) = [one for one in describe() if one["name"] == field.name]
    assert described["guarantee"] == field.guarantee
    assert (described["kind"] == "number") == isinstance(described["min"], int)
    assert (described["kind"] == "choice") == bool(described["choices"])


@pytest.mark.parametrize(
    "field", [field for field in FIELDS.values() if field.kind == "number"], ids=lambda field: field.name
)
def test_numbers_out_of_range_are_refused_with_the_range(field):
    for value in (field.lowest - 1, field.highest + 1, "x"):
        with pytest.raises(RequestError, match=f"must be a whole number from {field.lowest} to {field.highest}"):
            Request(**{field.name: value})


def test_unknown_words_are_refused_with_the_nearest():
    with pytest.raises(RequestError, match="unknown scale 'dorain': did you mean dorian"):
        Request(scale="dorain")
    with pytest.raises(RequestError, match=r"no field 'candence'.*did you mean cadence"):
        Request(candence=True)


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("rests", {"rests": False}, "no rests"),
        ("ties_over_bars", {"ties_over_bars": False}, "no ties-over-bars"),
        ("leap_recovery", {"leap_recovery": True}, "leap-recovery"),
        ("max_leap", {"max_leap": 5}, "max-leap 5"),
        ("scale", {"scale": "dorian"}, "scale dorian"),
        ("scale", {"scale": "dorian", "chromatic": 2}, "scale dorian with 2 notes outside"),
        ("range", {"range": "D4-G5"}, "range D4-G5"),
        ("chords", {"chords": "G | C D7"}, "chords G | C D7"),
        ("rhythm", {"rhythm": "1 r:1/2"}, "rhythm 1 r:1/2"),
        ("form", {"form": "AA'"}, "form AA'"),
    ],
)
def test_a_refusal_names_a_rule_with_its_value(name, values, shown):
    assert RULES[name].shown(Request(**values).rule_values) == shown


def test_every_rule_has_a_check_in_the_certificate():
    assert set(RULES) <= {check.field for check in CHECKS}
    for check in CHECKS:
        if check.field in RULES:
            assert check.default == RULES[check.field].default


def test_a_command_receives_the_flags_that_were_used():
    received = {}

    @with_request_options
    def command(*, fields: dict[str, object]) -> None:
        received.update(fields)

    drawing = ("prefer", "particles", "drafts", "judge", "temperature", "top_k", "top_p", "seed")
    command(**dict.fromkeys((*FIELDS, "lyrics_file", *drawing)) | {"seed": 3})
    assert received == {"seed": 3}


def rules_table():
    """The table of the documentation, from the specification."""
    lines = ["| flag | what it guarantees |", "|---|---|"]
    for rule in RULES.values():
        flags = ", ".join(f"`{field.flag}`" for field in rule.fields).replace("|", "\\|")
        lines.append(f"| {flags} | {' '.join(field.guarantee for field in rule.fields)} |")
    return "\n".join(lines)


def test_the_documentation_has_the_table_of_rules():
    expected = rules_table()
    assert expected in (ROOT / "docs" / "rules.md").read_text(), f"docs/rules.md needs this table:\n{expected}"
