"""The options that the verbs which generate have in common: a flag for each rule, and how melodies are drawn."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from melodysynthesis.apps.help import RULES as RULES_PANEL
from melodysynthesis.apps.help import SAMPLING
from melodysynthesis.apps.options import Option, with_options
from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.specification import FieldSpec, fields_of
from melodysynthesis.errors import RequestError
from melodysynthesis.formats import files

DRAWING = (
    Option("prefer", str, 'Rules that are wishes, kept where others allow: "chords max-leap".'),
    Option("particles", int, "Particles for each melody with rules; more follow the model more closely, but slower."),
    Option("drafts", int, "Of so many whole melodies a judge draws one by its odds; 4 if not given, 1 for no judge."),
    Option("judge", str, "File of the judge, from `melody train-judge`; the one that ships if not given."),
    Option("temperature", float, "Below 1 likely notes become likelier; 0 takes the likeliest; 0.9 if not given."),
    Option("top_k", int, "Draw from the K likeliest tokens only."),
    Option("top_p", float, "Draw from the fewest likeliest tokens that have this probability together."),
    Option("seed", int, "The same seed gives the same melodies."),
)


LYRICS_FILE = Option("lyrics_file", Path, "Words to sing, from a text file with a line for each line.")
MAX_LYRICS_BYTES = 100_000


def with_request_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command options for rules and for how melodies are drawn; it receives those that were used as `fields`."""

    @wraps(command)
    def named_by_flags(*, fields: dict[str, Any], **values: Any) -> None:
        try:
            command(**values, fields=_with_lyrics(fields))
        except RequestError as error:
            if error.field:
                raise RequestError(f"--{error}", field=error.field) from None
            raise

    drawing = [option._replace(panel=SAMPLING) for option in DRAWING]
    options = [*map(_option, fields_of(RULES.values())), LYRICS_FILE._replace(panel=RULES_PANEL), *drawing]
    return with_options(options, into="fields")(named_by_flags)


def _with_lyrics(fields: dict[str, Any]) -> dict[str, Any]:
    """The options with the text of the file of lyrics in place of its path."""
    path = fields.pop("lyrics_file", None)
    if path is None:
        return fields
    if "lyrics" in fields:
        raise RequestError("--lyrics and --lyrics-file can't be given together")
    try:
        return fields | {"lyrics": files.load(path, MAX_LYRICS_BYTES).decode("utf-8-sig")}
    except UnicodeDecodeError:
        raise RequestError(f"{path}: expected a text in UTF-8") from None


def _option(field: FieldSpec) -> Option:
    """The option of a rule's field."""
    kind = field.type if field.type in (bool, int) else str
    flags = (f"--{field.name.replace('_', '-')}",) if field.one_way else ()
    return Option(field.name, kind, field.help, flags=flags, panel=RULES_PANEL)
