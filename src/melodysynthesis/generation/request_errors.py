"""What is wrong with a request, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from melodysynthesis.errors import RequestError, unknown


def one_line(error: ValidationError, fields: Mapping[str, FieldInfo]) -> RequestError:
    """The first mistake of a request, in one line."""
    first = error.errors(include_url=False)[0]
    name = "-".join(str(part) for part in first["loc"]).replace("_", "-") or "request"
    if first["type"] == "extra_forbidden":
        return RequestError(f"a request has no field {name!r}: {unknown('field', str(first['loc'][-1]), fields)}")
    value = str(first.get("input"))[:40]
    expected = expected_by(fields.get(str(first["loc"][0]))) if first["loc"] else ""
    if expected:
        return RequestError(f"{name} must be {expected}, not {value!r}", field=name)
    return RequestError(f"{name} {value!r}: {first['msg'][:1].lower()}{first['msg'][1:]}")


def expected_by(field: FieldInfo | None) -> str:
    """What a field of numbers may be: "a whole number from 1 to 127"; empty for other fields."""
    kinds = set(get_args(field.annotation)) or {field.annotation} if field else set()
    kinds -= {type(None)}
    if field is None or kinds not in ({int}, {float}):
        return "true or false" if kinds == {bool} else ""
    names = {"Ge": "ge", "Gt": "gt", "Le": "le", "Lt": "lt"}
    limits = {name: getattr(one, name) for one in field.metadata if (name := names.get(type(one).__name__))}
    number = "a whole number" if kinds == {int} else "a number"
    high = limits["lt"] - 1 if "lt" in limits else limits.get("le")
    if "gt" in limits:
        return f"{number} above {limits['gt']} and at most {high}"
    return f"{number} from {limits['ge']} to {high}" if high is not None else f"{number} of at least {limits['ge']}"
