"""The options that the verbs which generate have in common: rules, and how it is drawn."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

RULES = {
    "scale": (str, "Notes of a scale only: major, dorian, blues ..."),
    "chromatic": (int, "So many notes may be outside of the scale."),
    "range": (str, 'Lowest and highest pitch: "D4-G5".'),
    "max_leap": (int, "Semitones of the largest leap."),
    "leap_recovery": (bool, "After a leap over a fifth, a step back."),
    "chords": (str, 'What the melody must fit: "G | C | D7 G | G".'),
    "cadence": (bool, "End on the tonic, as a melody closes."),
    "durations": (str, 'The only durations, in quarters: "1/2 1 3/2".'),
    "max_syncopation": (int, "At most so many syncopated notes."),
    "rests": (bool, "Whether there may be rests."),
    "ties_over_bars": (bool, "Whether notes may be tied over bar lines."),
    "rhythm": (str, 'A rhythm that repeats, in quarters: "1 1/2 1/2 r:1".'),
    "contour": (str, 'How the first notes go: "+ + - 0".'),
    "fixed": (str, 'Notes at bar.beat: "2.1:G4 4.3:D5".'),
    "form": (str, "Sections that are alike: AABA, or AA'BA with a variation."),
    "max_copy": (int, "No more notes in a row from a tune of the training."),
}
DRAWING = {
    "particles": (int, "With rules: tries side by side for each melody. More follow the model more closely."),
    "temperature": (float, "0 takes the likeliest token; 0.9 if not given."),
    "top_k": (int, "Draw from the K likeliest tokens only."),
    "top_p": (float, "Draw from the fewest tokens of probability P together."),
    "seed": (int, "The same seed gives the same melodies."),
}
"""Fields of a request: their type on the command line, and what they mean."""

ONE_WAY = ("leap_recovery",)
"""Switches that have no opposite."""


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each rule and for how it is drawn; it gets those that were used as `asked`."""
    options = RULES | DRAWING
    parameters = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        parameters += [parameter] if parameter.name != "asked" else [_option(name, *options[name]) for name in options]

    def with_options(**given: Any) -> None:
        asked = {name: given.pop(name) for name in options}
        command(**given, asked={name: value for name, value in asked.items() if value is not None})

    with_options.__doc__ = command.__doc__
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def _option(name: str, kind: type, meaning: str) -> inspect.Parameter:
    names = [f"--{name.replace('_', '-')}"] if name in ONE_WAY else []
    annotation = Annotated[kind | None, typer.Option(*names, help=meaning)]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
