"""Configurations of models and of training: flat frozen dataclasses, read from plain values and checked at once.

Every field has a default, and below it a string of one line, which is its help on the command line.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

from melodysynthesis.errors import MelodyError, unknown

Config = TypeVar("Config")

KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((float, int), "a number"),
    str: ((str,), "text"),
    tuple: ((tuple,), "a list"),
}
"""By the type of a field's default: the types that it takes, and what they are called in a message."""


def from_mapping(
    config: type[Config], values: Mapping[str, object], kind: str, error: type[MelodyError] = MelodyError
) -> Config:
    """A configuration from plain values, such as JSON's; a list becomes a tuple, a field left out has its default.

    Args:
        config: its class.
        values: by field.
        kind: what a field is called in a message, such as ``training field``.
        error: class of the exception that is raised.

    Raises:
        MelodyError: as `error`, for an unknown field (the nearest is named) or a value of another type; the class
            itself checks the values.
    """
    defaults = {field.name: field.default for field in fields(config)}  # type: ignore[arg-type]
    if strange := [name for name in values if name not in defaults]:
        raise error(unknown(kind, strange[0], defaults))
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    for name, value in values.items():
        types, called = KINDS[type(defaults[name])]
        if type(value) not in types:
            raise error(f"{kind} {name} is {value!r}, expected {called}")
    return config(**values)


def check_fields(
    config: object,
    error: type[MelodyError],
    *,
    of: str = "",
    at_least: Mapping[str, float] | None = None,
    at_most: Mapping[str, float] | None = None,
    below_one: Iterable[str] = (),
    shares: Iterable[str] = (),
    choices: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Check fields of a configuration.

    Args:
        config: its fields are read.
        error: class of the exception that is raised.
        of: what the configuration is of, to begin the message with.
        at_least: smallest value by field; infinity and NaN are refused.
        at_most: largest value by field.
        below_one: fields from 0 to below 1.
        shares: fields from 0 to 1.
        choices: allowed values by field.

    Raises:
        MelodyError: as `error`, for the first field out of range.
    """
    begin = f"{of}: " if of else ""

    def require(name: str, is_right: bool, expected: str) -> None:
        if not is_right:
            raise error(f"{begin}{name} is {getattr(config, name)}, expected {expected}")

    for name, least in (at_least or {}).items():
        require(name, least <= getattr(config, name) < math.inf, f"at least {least:g}")
    for name, most in (at_most or {}).items():
        require(name, getattr(config, name) <= most, f"at most {most:,}")
    for name in below_one:
        require(name, 0 <= getattr(config, name) < 1, "a number from 0 to below 1")
    for name in shares:
        require(name, 0 <= getattr(config, name) <= 1, "a number from 0 to 1")
    for name, known in (choices or {}).items():
        if getattr(config, name) not in known:
            raise error(begin + unknown(name, getattr(config, name), known))


@cache
def field_help(config: type[Any]) -> dict[str, str]:
    """The documentation of each field of a configuration, inherited ones first: the string below it."""
    documented: dict[str, str] = {}
    for one in reversed([base for base in config.__mro__ if is_dataclass(base)]):
        documented |= own_field_help(one)
    return documented


def own_field_help(one: type[Any]) -> dict[str, str]:
    """The documentation of the fields that a class itself defines, read from its source."""
    tree = ast.parse(inspect.getsource(one))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(ast.literal_eval(text.value))
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr)
    }
