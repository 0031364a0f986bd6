"""Encodings: melody <-> token ids. The table below is all there is to add a new one to."""

from collections.abc import Callable, Mapping

from melodysynthesis.encodings.base import (
    Clock,
    Context,
    Encoding,
    Feature,
    Group,
    Header,
    Ids,
    Role,
    header_of,
    token_ids,
)
from melodysynthesis.encodings.event import EventEncoding
from melodysynthesis.encodings.grid import GridEncoding
from melodysynthesis.encodings.planned import PlannedEncoding
from melodysynthesis.errors import EncodingError, unknown

ENCODINGS: dict[str, Callable[..., Encoding]] = {
    "event": EventEncoding,
    "grid": GridEncoding,
    "planned": PlannedEncoding,
}

__all__ = [
    "ENCODINGS",
    "Clock",
    "Context",
    "Encoding",
    "Feature",
    "Group",
    "Header",
    "Ids",
    "Role",
    "encoding_from",
    "header_of",
    "token_ids",
]


def encoding_from(description: Mapping[str, object]) -> Encoding:
    """The encoding that a `Encoding.description` describes; a name alone, ``{"name": "event"}``, gives its default.

    Raises:
        EncodingError: for an unknown name or an argument that the encoding does not take.
    """
    arguments = dict(description)
    name = str(arguments.pop("name", ""))
    if name not in ENCODINGS:
        raise EncodingError(unknown("encoding", name, ENCODINGS))
    try:
        return ENCODINGS[name](**arguments)
    except (TypeError, ValueError) as error:
        raise EncodingError(f"encoding {name!r}: {error}") from error
