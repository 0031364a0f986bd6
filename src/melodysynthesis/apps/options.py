"""Options of a command that are made from a table, so that a table of fields or of rules is written once.

    @with_options([Option("bars", int, "Bars of each melody.")], into="given")
    def command(name: str, *, given: dict[str, Any]) -> None: ...

typer makes a command's options from its signature. Here the signature gets one parameter for each record, in the place
of the parameter `into`, and the function receives the options that were used there, as a dictionary.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any, NamedTuple

import typer


class Option(NamedTuple):
    """One option of a command.

    Attributes:
        name: its key in the dictionary; the flag is ``--name``, with ``-`` for ``_``.
        kind: type of its value: str, int, float, Path, bool (a switch ``--name/--no-name``), list[str] (repeatable).
        help: one line for `--help`.
        default: its default as text, shown in brackets after the help. It is for the reader alone: an option that is
            not used is left out of the dictionary.
        flags: flags other than ``--name``; a switch with one flag has no opposite.
        metavar: placeholder of the value in `--help`; by default that of its type.
        panel: heading of its group in `--help`.
    """

    name: str
    kind: Any
    help: str
    default: str = ""
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    panel: str | None = None

    def parameter(self) -> inspect.Parameter:
        """The parameter from which typer makes this option."""
        text = f"{self.help} [{self.default}]" if self.default else self.help
        option = typer.Option(
            *self.flags, help=text, metavar=self.metavar, rich_help_panel=self.panel, show_default=False
        )
        annotation = Annotated[self.kind | None, option]  # type: ignore[name-defined]
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def with_options(options: Iterable[Option], into: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options from a table.

    Args:
        options: in the order of `--help`.
        into: name of the command's parameter that receives the values of the options that were used, by name.
    """
    table = tuple(options)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
            parameters += [option.parameter() for option in table] if parameter.name == into else own

        def with_table(**values: Any) -> None:
            used = {option.name: values.pop(option.name) for option in table}
            command(**values, **{into: {name: value for name, value in used.items() if value is not None}})

        with_table.__doc__ = command.__doc__
        with_table.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_table.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_table

    return decorate
