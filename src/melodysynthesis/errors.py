"""The exception tree. Everything a user can get wrong raises a `MelodyError` with a message of one line.

    MelodyError                 caught by the command line: prints the message, exits with 2
    ├── FormatError             a score file or text that can't be read or written
    ├── CorpusError             a corpus that is unknown, empty, not installed or leaks across its splits
    ├── EncodingError           a melody that an encoding can't say, or tokens that are no melody
    ├── RequestError            a contradictory or impossible request
    ├── ModelError              a model or checkpoint that is unknown, damaged or of another encoding
    └── TrainingError           a run that can't start, resume or go on

A message says what, where and what was expected: ``erk/deut0567.krn:41: duration '7%3' is not a reciprocal``.
"""

import difflib
from collections.abc import Iterable


class MelodyError(Exception):
    """Base of all errors that are the input's fault rather than the program's."""


class FormatError(MelodyError):
    """A score that can't be read or written.

    Attributes:
        where: file name, with line or byte offset where known.
        reason: what was found and what was expected, without the place.
        kind: a short fixed phrase that groups like errors in a corpus report, such as ``"bad duration"``.
    """

    def __init__(self, reason: str, where: str = "", kind: str = "unreadable") -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason, self.where, self.kind = reason, where, kind

    def __reduce__(self) -> tuple[type["FormatError"], tuple[str, str, str]]:
        return type(self), (self.reason, self.where, self.kind)


class CorpusError(MelodyError):
    """A corpus that is unknown, empty, not installed or leaks across its splits."""


class EncodingError(MelodyError):
    """A melody that an encoding can't say, or token ids that are no melody."""


class RequestError(MelodyError):
    """A contradictory or impossible request.

    Attributes:
        rules: the request's fields that no melody keeps together, none of them superfluous; "given" for notes that
            are given. Empty for other mistakes.
        field: the field whose value is out of its range; the message begins with its name. Empty for other mistakes.
    """

    def __init__(self, message: str, rules: Iterable[str] = (), field: str = "") -> None:
        super().__init__(message)
        self.rules, self.field = tuple(rules), field

    def __reduce__(self) -> tuple[type["RequestError"], tuple[str, tuple[str, ...], str]]:
        return type(self), (str(self), self.rules, self.field)


class ModelError(MelodyError):
    """A model or checkpoint that is unknown, damaged or of another encoding."""


class TrainingError(MelodyError):
    """A run that can't start, resume or go on."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line for an unknown name, with the nearest known ones: ``unknown corpus 'esen': did you mean ...``.

    All are listed where none is near. Of several names for one thing it is enough to give one.
    """
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return f"unknown {kind} {name!r}: {hint}"
