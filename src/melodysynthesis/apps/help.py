"""The help of a verb: its options in groups, and the words that a user can choose from.

typer draws groups with rich, whose import takes longer than everything else that help needs. So the groups are drawn
here, with the formatter that typer's plain help uses.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

COMPOSITION = "What to write"
MIDI = "MIDI"
PLAYING = "Playing"
RULES = "Rules, kept by every melody"
SAMPLING = "Sampling"
FILES = "Files"
OUTPUT = "Output"
OTHERS = "Options"
GROUPS = ("Arguments", COMPOSITION, PLAYING, MIDI, RULES, SAMPLING, OTHERS, FILES, OUTPUT)
"""Headings of groups of options, in the order of `--help`."""


def grouped(panel: str, help: str, *flags: str, min: float | None = None, max: float | None = None) -> Any:
    """An option in a group of `--help`; `min` and `max` are limits of a number."""
    return typer.Option(*flags, help=help, rich_help_panel=panel, min=min, max=max)


class GroupedCommand(TyperCommand):
    """A command whose `--help` prints its options in groups, by their `rich_help_panel`."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options group by group, and what they can be if there are rules among them."""
        parameters = self.get_params(ctx)
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
        has_groups = any(_group_of(parameter) not in ("Arguments", OTHERS, OUTPUT) for parameter in parameters)
        for parameter in parameters:
            record = parameter.get_help_record(ctx)
            if record is not None:
                group = OUTPUT if parameter.name == "help" else _group_of(parameter)
                groups.setdefault(group if has_groups or group == "Arguments" else OTHERS, []).append(record)
        if any(parameter.name == "scale" for parameter in parameters):
            groups["What can be chosen"] = vocabulary()
        for name, records in groups.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


class VerbGroup(TyperGroup):
    """A verb with verbs of its own, whose `--help` prints the whole first sentence of each."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line for each verb, wrapped where it is long; typer's own cuts it."""
        rows = [(name, (command.help or "").partition("\n\n")[0]) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def vocabulary() -> list[tuple[str, str]]:
    """The models, modes, scales and chords that flags take: a heading and a line for each."""
    from melodysynthesis.music import MODES
    from melodysynthesis.runtime.pretrained import DEFAULT, PRETRAINED
    from melodysynthesis.theory import NAMED_SCALES
    from melodysynthesis.theory.chords import ALTERATIONS, CHORDS

    models = ", ".join(f"{name} (default)" if name == DEFAULT else name for name in PRETRAINED)
    chords = " ".join(f"G{quality}" for quality in CHORDS)
    return [
        ("models", f"{models}, or the file of a model"),
        ("modes", f'{", ".join(MODES)}, as in --key "D dorian"'),
        ("scales", f"{', '.join(NAMED_SCALES)}, as in --scale blues"),
        ("chords", f'{chords}, on any root, as in --chords "G | Am7 D7 | G"'),
        ("", f"after these {' '.join(ALTERATIONS)}, as in C9#11 or C7b9b13; a bass after a slash, as in G/B"),
        ("", "N.C. for no chord; % repeats the bar before; / in a bar lets a chord go on, as in G / / D7"),
        ("", "in a key: I IV V7 vi7 viio7 bVII V7/V (roman numerals), 1 4 57 2m7 b7 1/3 (Nashville numbers)"),
    ]


def _group_of(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or OTHERS
