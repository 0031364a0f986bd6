import sys

import pytest

from melodysynthesis.apps import console


def test_a_table_is_in_columns(capsys):
    console.say_table([("a", "bcd", "e"), ("fgh", "i", "")])
    assert capsys.readouterr().out == "a    bcd  e\nfgh  i\n"


def test_json_keeps_letters(capsys):
    console.say_json({"title": "Höre"})
    assert "Höre" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("is_terminal", "shown", "total"), [(True, True, 9), (True, False, 9), (True, True, 1), (False, True, 9)]
)
def test_a_bar_is_drawn_where_a_person_waits(is_terminal, shown, total, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with console.progress("counting", total, shown) as advance:
        for done in range(total + 1):
            advance(done)
    said = capsys.readouterr()
    assert said.out == ""
    assert ("counting" in said.err) == (is_terminal and shown and total > 1)
