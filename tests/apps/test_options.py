"""Options from a table: each record is a flag with its help, and only what was used arrives."""

from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from melodysynthesis.apps.options import Option, with_options

TABLE = [
    Option("max_leap", int, "Semitones of the largest leap.", default="12"),
    Option("rests", bool, "Whether there may be rests."),
    Option("recovery", bool, "A step back after a leap.", flags=("--recovery",)),
    Option("fields", list[str], "May be repeated.", flags=("--set",), metavar="NAME=VALUE"),
]


@pytest.fixture
def received() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def app(received: list[dict[str, Any]]) -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)

    @app.command()
    @with_options(TABLE, into="given")
    def command(
        name: Annotated[str, typer.Argument()], *, given: dict[str, Any], count: Annotated[int, typer.Option()] = 1
    ) -> None:
        """What it does."""
        received.append({"name": name, "count": count, "given": given})

    return app


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([], {}),
        (["--max-leap", "7", "--no-rests"], {"max_leap": 7, "rests": False}),
        (["--recovery", "--rests"], {"recovery": True, "rests": True}),
        (["--set", "a=1", "--set", "b=2"], {"fields": ["a=1", "b=2"]}),
    ],
)
def test_a_command_receives_the_options_that_were_used(
    app: typer.Typer, received: list[dict[str, Any]], words: list[str], given: dict[str, object]
) -> None:
    found = CliRunner().invoke(app, ["tune", "--count", "3", *words])
    assert found.exit_code == 0, found.output
    assert received == [{"name": "tune", "count": 3, "given": given}]


def test_help_has_each_option_in_its_place_with_its_default(app: typer.Typer) -> None:
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "What it does." in shown
    assert "Semitones of the largest leap. [12]" in shown
    assert "--rests / --no-rests Whether there may be rests." in shown
    assert "--no-recovery" not in shown
    assert "--set NAME=VALUE" in shown
    assert shown.index("--max-leap") < shown.index("--set") < shown.index("--count")


@pytest.mark.parametrize("words", [["--max-leap", "far"], ["--no-recovery"], ["--leap", "3"]])
def test_a_value_of_another_type_or_an_unknown_flag_is_refused(
    app: typer.Typer, received: list[dict[str, Any]], words: list[str]
) -> None:
    assert CliRunner().invoke(app, ["tune", *words]).exit_code == 2
    assert received == []
