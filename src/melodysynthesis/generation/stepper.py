"""What may come next, for a batch of particles: tokens, and how well each keeps the rules.

A *stepper* knows where each particle is and gives its options: the tokens that may follow, the model's probability of
each and the likelihood that the rules are kept once it is taken. The particle filter draws one of them and tells the
stepper. There are three: `unconstrained.FreeStepper` allows what the grammar and the token masks allow;
`EventStepper` and `GridStepper` follow the rules' automaton, each in the tokens of its encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints import NoLoop
from melodysynthesis.constraints.automaton import Automaton
from melodysynthesis.constraints.lookahead import Lookahead
from melodysynthesis.constraints.rule import NO, Counting
from melodysynthesis.encodings.base import Context
from melodysynthesis.generation import sampling
from melodysynthesis.generation.mode_preference import ModePreference
from melodysynthesis.numerics import log_sum_exp

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(eq=False)
class EventHistory:
    """The events of each particle.

    Attributes:
        event: (rows, n) event that begins at each tick, by number, or `NO`.
        length: (rows, n) number of its length.
        onsets: (rows, n) number of the tick at which each note begins, in order; rests left out.
        notes: (rows,) how many there are.
        rested: (rows,) whether the latest event is a rest.
        rest: the number of the event that is a rest.
    """

    event: NDArray[np.int16]
    length: NDArray[np.int16]
    onsets: NDArray[np.int16]
    notes: Ints
    rested: Flags
    rest: int

    @classmethod
    def empty(cls, ticks: int, rest: int) -> Self:
        """One particle, and no event yet."""
        none = np.full((1, ticks), NO, np.int16)
        return cls(none, none.copy(), none.copy(), np.zeros(1, np.int64), np.zeros(1, np.bool_), rest)

    def add(self, rows: Ints, tick: Ints, event: Ints, length: Ints) -> None:
        """Events of some particles, each once, by the numbers of onset, event and length."""
        self.event[rows, tick], self.length[rows, tick] = event, length
        sounding = event != self.rest
        self.rested[rows] = ~sounding
        rows, tick = rows[sounding], tick[sounding]
        self.onsets[rows, self.notes[rows]] = tick
        self.notes[rows] += 1

    def events(self, row: int) -> tuple[tuple[int, int, int], ...]:
        """Numbers of onset, event and length of each event of a particle, in order."""
        ticks = np.flatnonzero(self.event[row] != NO)
        return tuple(
            zip(ticks.tolist(), self.event[row, ticks].tolist(), self.length[row, ticks].tolist(), strict=True)
        )

    def select(self, indices: Ints) -> EventHistory:
        """That of the particles at `indices`."""
        return EventHistory(
            self.event[indices], self.length[indices], self.onsets[indices], self.notes[indices],
            self.rested[indices], self.rest,
        )  # fmt: skip


class HistoryRule(Protocol):
    """A rule that looks back: at whole sections, or at long runs of notes."""

    name: str
    """The request's field."""

    def may_begin(self, history: EventHistory, tick: Ints) -> Flags:
        """(rows, P + 1) which events may begin; `tick` is the number of the onset, (rows,)."""

    def may_last(self, history: EventHistory, tick: Ints, event: Ints) -> Flags:
        """(rows, m) how long an event may be, that is not in the history yet."""

    def state_key(self, history: EventHistory, tick: int) -> bytes:
        """Key of what one particle's history can still do to the rule: equal keys allow equal continuations."""


class RepeatLookahead(Protocol):
    """What replaces the general look-ahead where a form repeats what was written; see `known_sections`."""

    def after_heads(self, history: EventHistory, tick: Ints, place: Ints, general: Floats) -> Floats:
        """(rows, P + 1) see `Lookahead.after_heads`, whose values are `general`."""

    def after_lengths(self, history: EventHistory, tick: Ints, place: Ints, event: Ints, general: Floats) -> Floats:
        """(rows, m) see `Lookahead.after_lengths`, whose values are `general`."""

    def here(self, history: EventHistory, tick: Ints, place: Ints, general: Floats) -> Floats:
        """(rows,) see `Lookahead.log_likelihood`, whose values are `general`."""


class CountBudget:
    """Guaranteed: no more such notes than the rule allows, counted over the notes so far.

    Args:
        automaton: of the other rules.
        rule: it.
    """

    def __init__(self, automaton: Automaton, rule: Counting) -> None:
        space = automaton.space
        onsets, lengths = space.ticks[:-1, None], space.lengths[None, :]
        symbol = np.broadcast_to(rule.symbols(onsets, lengths), (len(onsets), len(space.lengths)))
        known = np.unique(symbol[symbol != NO])
        self.name, self.limit = rule.name, rule.limit()
        self.costs = np.stack([rule.costs(number) for number in known.tolist()])  # (kinds, P + 1)
        self.kind = np.zeros((len(space.ticks), len(space.lengths)), np.int64)
        self.kind[:-1] = np.searchsorted(known, np.where(symbol == NO, known[0], symbol))
        self.possible = automaton.event_classes != NO

    def may_begin(self, history: EventHistory, tick: Ints) -> Flags:
        """See `HistoryRule.may_begin`: what some length leaves enough for."""
        least = np.where(self.possible[tick][..., None], self.costs[self.kind[tick]], self.limit + 1).min(axis=1)
        return np.asarray(least <= self._left(history)[:, None])

    def may_last(self, history: EventHistory, tick: Ints, event: Ints) -> Flags:
        """See `HistoryRule.may_last`."""
        return np.asarray(self.costs[self.kind[tick], event[:, None]] <= self._left(history)[:, None])

    def state_key(self, history: EventHistory, tick: int) -> bytes:
        """See `HistoryRule.state_key`: how many there may still be."""
        del tick
        return bytes(self._left(history).tobytes())

    def _left(self, history: EventHistory) -> Ints:
        """(rows,) how many there may still be."""
        rows, ticks = np.nonzero(history.event != NO)
        spent = np.zeros(len(history.event), np.int64)
        np.add.at(spent, rows, self.costs[self.kind[ticks, history.length[rows, ticks]], history.event[rows, ticks]])
        return np.asarray(self.limit - spent)


LOOP_PENALTY = -20.0
"""Added to the log-likelihood of one more note of a pitch that has sounded too often in a row, or of a rest after a
rest. It discourages the event and does not forbid it, as the rules may leave nothing else."""


class Options(NamedTuple):
    """What may come next.

    Attributes:
        tokens: (rows, K) token of each option.
        log_probability: (rows, K) the model's at the request's temperature; -inf for no option. It is normalised where
            the rules' likelihood is known, else known up to a constant for each row.
        log_likelihood: (rows, K) that the rules are kept after the option; -inf for no option. None where all options
            keep them equally, so that particles have no weights.
        logits: (rows, vocabulary) from which the likelihood of the token that is taken is counted.
        forced: (rows,) whether the token is given, not drawn: there is one option then.
    """

    tokens: Ints
    log_probability: sampling.Logits
    log_likelihood: Floats | None
    logits: sampling.Logits
    forced: Flags


class TokenStepper(Protocol):
    """A batch of particles under way.

    Attributes:
        done: (rows,) whether nothing more comes.
        cut_off: (rows,) whether the particle was made to end by the limit of steps.
    """

    done: Flags
    cut_off: Flags

    def options(self, logits: sampling.Logits, context: Context, temperature: float) -> Options:
        """What may come next, for each particle.

        Args:
            logits: (rows, vocabulary) of the model.
            context: the encoding's.
            temperature: at 0 the probabilities are those at 1.

        Raises:
            RequestError: if the token masks leave a particle nothing.
        """

    def advance(self, options: Options, chosen: Ints) -> None:
        """Move on: `chosen` is the column of each row's option."""

    def select(self, indices: Ints) -> Self:
        """The particles at `indices`, which may repeat."""


class Start(NamedTuple):
    """Where particles that follow an automaton begin.

    Attributes:
        tick: number of the onset of the first event that is free.
        state: see `Lookahead`.
        history: events before, of one particle.
        until: number of the tick at which the free part ends.
        after: tokens that then follow, to the end.
        moved: semitones by which the model's pitches are higher than those of the melody.
    """

    tick: int
    state: int
    history: EventHistory
    until: int
    after: tuple[int, ...]
    moved: int = 0


class RuleStepper:
    """What steppers along an automaton share; each encoding says in `rule_options` how events become tokens.

    Args:
        look: the look-ahead over the automaton.
        start: where all particles begin.
        rows: how many there are.
        history_rules: rules that look further back than the automaton.

    Attributes:
        history: events that are complete.
        preference: of a mode or scale, if any.
        known: the look-ahead where a form repeats what was written, if it does.
        tick: (rows,) number of the onset of the event that is under way, or that begins next.
        state: (rows,) before that event; see `Lookahead`.
        event: (rows,) number of the event that is under way, or `NO`.
        count: (rows,) number of events that are complete.
    """

    row_arrays: tuple[str, ...] = ("done", "cut_off", "tick", "state", "event", "count")
    """Names of the attributes that have an item for each row."""

    def __init__(self, look: Lookahead, start: Start, rows: int, history_rules: Sequence[HistoryRule]) -> None:
        self.look, self.space, self.history_rules = look, look.automaton.space, history_rules
        self.preference: ModePreference | None = None
        self.known: RepeatLookahead | None = None
        self.until, self.after = start.until, start.after
        self.may_split = np.isin(self.space.ticks, look.automaton.context.cuts)
        self.history = start.history.select(np.zeros(rows, np.int64))
        self.done, self.cut_off = np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
        self.tick, self.state = np.full(rows, start.tick), np.full(rows, start.state)
        self.event, self.count = np.full(rows, NO), np.zeros(rows, np.int64)

    def rule_options(self) -> tuple[Ints, Floats]:
        """(rows, K) tokens that may follow, and the log-likelihood that the rules are kept after each."""
        raise NotImplementedError

    def advance(self, options: Options, chosen: Ints) -> None:
        """See `TokenStepper.advance`."""
        raise NotImplementedError

    def options(self, logits: sampling.Logits, context: Context, temperature: float) -> Options:
        """See `TokenStepper.options`."""
        allowed = context.allowed()
        preferred = logits if self.preference is None else self.preference.applied(logits)
        tempered = sampling.tempered(preferred, temperature or 1.0).astype(np.float64)
        normal = log_sum_exp(np.where(allowed, tempered, -np.inf), axis=1)
        tokens, likelihood = self.rule_options()
        probability = np.take_along_axis(tempered, tokens, 1) - normal[:, None]
        looping = NoLoop.loops(context)[:, None] & (tokens == context.last_pitch[:, None])
        likelihood = np.where(np.take_along_axis(allowed, tokens, 1), likelihood + LOOP_PENALTY * looping, -np.inf)
        return Options(tokens, probability, likelihood, logits, np.zeros(len(tokens), np.bool_))

    def may_begin(self, history: EventHistory, tick: Ints, state: Ints) -> Floats:
        """(rows, P + 1) likelihood that the rules are kept once an event's pitch is known; in the tick's scale."""
        likelihood = self.look.after_heads(tick, state)
        if self.known is not None:
            likelihood = self.known.after_heads(history, tick, state, likelihood)
        for rule in self.history_rules:
            likelihood = likelihood * rule.may_begin(history, tick)
        likelihood[:, -1] *= np.where(history.rested & ~self.may_split[tick], np.exp(LOOP_PENALTY), 1.0)
        return likelihood

    def may_last(self, rows: Ints) -> Floats:
        """(rows, m) likelihood that the rules are kept by each length of the event under way; in its onset's scale."""
        tick, event = self.tick[rows], self.event[rows]
        history, state = self.history_of(rows), self.state[rows]
        likelihood = self.look.after_lengths(tick, state, event)
        if self.known is not None:
            likelihood = self.known.after_lengths(history, tick, state, event, likelihood)
        for rule in self.history_rules:
            likelihood = likelihood * rule.may_last(history, tick, event)
        return likelihood

    def here(self, history: EventHistory, tick: Ints, state: Ints) -> Floats:
        """(rows,) log-likelihood that the rules are kept before the next event begins."""
        likelihood = self.look.log_likelihood(tick, state)
        return likelihood if self.known is None else self.known.here(history, tick, state, likelihood)

    def history_of(self, rows: Ints) -> EventHistory:
        """The history of some particles, in order; all of them are not copied."""
        return self.history if len(rows) == len(self.tick) else self.history.select(rows)

    def complete(self, rows: Ints, length: Ints) -> None:
        """The events under way of some particles end, by the numbers of their lengths."""
        tick, event = self.tick[rows], self.event[rows]
        self.history.add(rows, tick, event, length)
        self.state[rows] = self.look.follow(tick, length, self.state[rows], event)
        self.tick[rows] = self.space.number[self.space.ticks[tick] + self.space.lengths[length]]
        self.count[rows] += 1

    def select(self, indices: Ints) -> Self:
        """See `TokenStepper.select`."""
        new = copy(self)
        new.history = self.history.select(indices)
        for name in self.row_arrays:
            setattr(new, name, getattr(self, name)[indices])
        return new


def log_of(values: Floats) -> Floats:
    """Natural logarithms; of 0 it is -inf."""
    with np.errstate(divide="ignore"):
        return np.log(values)
