import io
import sys

import pytest

from melodysynthesis.apps import console


def test_a_table_is_in_columns(capsys):
    console.say_table([("a", "bcd", "e"), ("fgh", "i", "")])
    assert capsys.readouterr().out == "a    bcd  e\nfgh  i\n"


def test_json_keeps_letters(capsys):
    console.say_json({"title": "Höre"})
    assert "Höre" in capsys.readouterr().out


def test_numbers_can_be_aligned_to_the_right(capsys):
    console.say_table([("a", "12", "x"), ("b", "3", "y")], right=[1])
    assert capsys.readouterr().out == "a  12  x\nb   3  y\n"


class Terminal(io.StringIO):
    """A screen that standard output and standard error both write to."""

    def isatty(self):
        return True


@pytest.mark.parametrize("say", [console.say, console.note])
def test_the_bar_is_off_the_screen_where_a_line_is_printed(say, monkeypatch):
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    with console.progress("counting", 9) as advance:
        advance(1)
        say("an answer")
        advance(2)
    before, after = screen.getvalue().split("an answer\n")
    assert "counting" in before
    assert before.endswith("\x1b[2K")  # the line of the bar is erased
    assert "counting" in after  # and drawn again below


def test_a_bar_leaves_the_streams_alone(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    streams = sys.stdout, sys.stderr
    with console.progress("counting", 9) as advance:
        advance(1)
        assert (sys.stdout, sys.stderr) == streams
        sys.stdout.write("written by a library\n")
        console.say("an answer")
        advance(2)
    printed = capsys.readouterr()
    assert printed.out == "written by a library\nan answer\n"
    assert "counting" in printed.err
    assert "an answer" not in printed.err


@pytest.mark.parametrize(
    ("quiet", "as_json", "out", "err"),
    [(False, False, "answer\n", "note\n"), (True, False, "", ""), (False, True, "", "note\n")],
)
def test_what_a_reporter_prints(quiet, as_json, out, err, capsys):
    reporter = console.Reporter(quiet, as_json)
    reporter.say("answer")
    reporter.note("note")
    assert capsys.readouterr() == (out, err)
    assert reporter.shows_progress == (not quiet and not as_json)


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
