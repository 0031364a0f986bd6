"""What a rule is to everything around it: one record, from which the rest of the program is derived.

From the record of a rule come its field of a request with what OpenAPI says of it, its flag on the command line with
its help, its control on the studio's page, its line in the documentation, and its name in a refusal. The automaton that
keeps the rule is built from it as well. Only the certificate has a table of its own, so that no error is in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from melodysynthesis.constraints.rule import Rule, RuleContext
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.music import Key, Melody, Meter

Values = Mapping[str, Any]
"""Values of a request's fields by name; a field without a value is None."""


LONGEST_SHOWN = 200
"""Characters of a value in a refusal."""


class RequestedBars(NamedTuple):
    """The bars of a request, as far as it says them.

    Attributes:
        number: how many; None if the model chooses.
        meters: the meter of each bar; one meter holds for all bars; none if the model chooses.
    """

    number: int | None
    meters: tuple[Meter, ...]

    def meters_of(self, bars: int) -> Sequence[Meter]:
        """The meters of the first bars, as far as they are known."""
        return self.meters * bars if len(self.meters) == 1 else self.meters[:bars]


class EventPlaces(NamedTuple):
    """Onsets and durations that a rule needs in addition to the usual ones.

    Attributes:
        durations: in ticks.
        onsets: in ticks.
        anywhere: whether events may begin at every tick.
    """

    durations: frozenset[int] = frozenset()
    onsets: frozenset[int] = frozenset()
    anywhere: bool = False


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """A field of a request that belongs to a rule.

    Attributes:
        name: of the field; the flag is this name with ``-`` for ``_``.
        label: for a control of the page.
        help: one line for the flag.
        guarantee: what holds for every melody, in whole sentences; it is shown by OpenAPI, documentation and page.
        type: of the value: bool, int, or a type that `parse` returns.
        example: a value, as it is written in JSON.
        default: the value that demands nothing.
        lowest: of a whole number.
        highest: of a whole number.
        choices: names of which the value is one.
        parse: reads the value from text, for types other than bool and int.
        write: writes it as text, the inverse of `parse`.
        one_way: whether a switch has no ``--no-...``.
        in_key: rewrites text that is relative to a key, before it is parsed; it raises if a key is needed and missing.
    """

    name: str
    label: str
    help: str
    guarantee: str
    type: Any
    example: bool | int | str
    default: bool | int | None = None
    lowest: int | None = None
    highest: int | None = None
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] | None = None
    write: Callable[[Any], str] = str
    one_way: bool = False
    in_key: Callable[[str, Key | None], str] | None = None

    @property
    def kind(self) -> str:
        """The control that suits: flag, number, choice or text."""
        if self.type is bool:
            return "flag"
        return "number" if self.type is int else ("choice" if self.choices else "text")

    @property
    def flag(self) -> str:
        """The flag as it is typed for the example: ``--range D4-G5``."""
        name = self.name.replace("_", "-")
        if self.type is bool:
            return f"--{name}" if self.example else f"--no-{name}"
        quoted = f'"{self.example}"' if set(str(self.example)) & set(" '") else str(self.example)
        return f"--{name} {quoted}"

    def describe(self) -> dict[str, Any]:
        """All of the above that JSON can say, for a control of a page."""
        return {
            "name": self.name, "label": self.label, "kind": self.kind, "help": self.help, "guarantee": self.guarantee,
            "example": self.example, "default": self.default, "choices": list(self.choices),
            "min": self.lowest, "max": self.highest,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RuleSpec(FieldSpec):
    """A rule.

    Attributes:
        build: makes the automaton of the rule; None for a rule on the whole history, which `generation` keeps.
        options: further fields that change the rule.
        check: raises a RequestError if the values contradict each other or the bars.
        places: onsets and durations that the rule needs, from its value, the timeline and the ticks that split rests.
        cuts: ticks at which rests are split, from its value and the timeline.
        completes: fields of the request that follow from the rule, from the values of all fields: its own, and such as
            are not given.
        finish: what the rule adds to a melody that keeps it, such as words, from the values of the rules' fields.
        needs_key: whether the rule has no meaning without a key.
        needs_tunes: whether the rule is on the tunes that the model was trained on.
        silent_start: whether the melody may begin with a rest under the rule.
        by_bar: whether it can be judged in some bars only: it is on each note or bar, not on the whole or on counts.
    """

    build: Callable[[RuleContext, Values], Rule] | None
    options: tuple[FieldSpec, ...] = ()
    check: Callable[[Values, RequestedBars], None] = lambda values, bars: None
    places: Callable[[Any, Timeline, Sequence[int]], EventPlaces] = lambda value, timeline, cuts: EventPlaces()
    cuts: Callable[[Any, Timeline], Iterable[int]] = lambda value, timeline: ()
    completes: Callable[[Values], Mapping[str, Any]] = lambda values: {}
    finish: Callable[[Melody, Values], Melody] = lambda melody, values: melody
    needs_key: bool = False
    needs_tunes: bool = False
    silent_start: bool = False
    by_bar: bool = False

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The rule's own field, and its options."""
        return (self, *self.options)

    def shown(self, values: Values) -> str:
        """The rule with its value, as a refusal names it: ``range D4-G5``, ``no rests``."""
        name, value = self.name.replace("_", "-"), values[self.name]
        if self.type is bool:
            return name if value else f"no {name}"
        further = [f" with {one.write(values[one.name])} {one.label}" for one in self.options if values.get(one.name)]
        written = self.write(value)
        return (
            f"{name} {written if len(written) <= LONGEST_SHOWN else written[:LONGEST_SHOWN] + ' ...'}{''.join(further)}"
        )


def fields_of(rules: Iterable[RuleSpec]) -> list[FieldSpec]:
    """The fields of rules, each rule's options after it."""
    return [field for rule in rules for field in rule.fields]
