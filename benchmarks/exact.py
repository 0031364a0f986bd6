"""How near what is drawn under rules is to the model's own distribution, where all melodies can be written down.

    python benchmarks/exact.py [--model NAME|FILE ...] [--draws N]

Four quarters in two bars of 2/4, of five pitches, with phrase marks or without: every sequence of tokens that the
grammar allows is gone through, the certificate says which keep the rules, and the model how likely each is. So the
conditional distribution is known exactly. Total variation from it, of so many draws:

    draws of it   by as many draws from itself: what no sampler can be better than
    masking       never to take a token that leads to no such melody, and nothing else; known exactly
    1, 8, ...     particles
"""

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from scipy.special import log_softmax

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.encodings.base import Header
from melodysynthesis.encodings.event_tokens import END, KINDS, PHRASE, Kind
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody, Note
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.loading import open_model

FRAME = {"key": "C major", "meter": "2/4", "bars": 2, "pickup": 0, "durations": "1", "range": "C4-G4", "scale": "major",
         "rests": False}  # fmt: skip
CASES = (
    {"contour": "+ 0 -"},
    {"chords": "C | G7", "max_leap": 4},
    {"fixed": "2.2:C4", "max_leap": 2},
    {"cadence": True, "leap_recovery": True},
    {"form": "AA'"},
)
NOTES, QUARTER, PITCHES = 4, 24, (60, 62, 64, 65, 67)
PARTICLES = (1, 8, 32)

Ids = tuple[int, ...]
Shares = dict[Ids, float]


def every_sequence(engine: Engine, header: Header) -> Shares:
    """All sequences of tokens of so many quarters, and the natural logarithm of the model's probability of each."""
    assert header.meter is not None
    notes = tuple(Note(QUARTER * number, QUARTER, pitch) for number, pitch in enumerate(PITCHES))
    said = engine.encoding.encode(Melody(notes, QUARTER * len(notes), (header.meter,), header.key))
    tokens_of = {kind: np.unique(said[KINDS[said] == kind]).tolist() for kind in (Kind.PITCH, Kind.DURATION)}
    (whole,) = generate(engine, Request(count=1, **FRAME))
    body = next(number for number, token in enumerate(whole.ids) if KINDS[token] in (Kind.PITCH, Kind.PHRASE))
    logits, state = engine.init(1)
    for token in whole.ids[1:body]:
        logits, state = engine.step(np.array([token]), state)
    paths: list[Ids] = [whole.ids[:body]]
    chances, found = np.zeros(1), {}
    while paths:
        allowed = state.context.allowed()
        normal = log_softmax(np.where(allowed, logits.astype(np.float64), -np.inf), axis=1)
        grown = [(row, token) for row, path in enumerate(paths) for token in following(path, tokens_of)]
        rows, tokens = np.array([(row, token) for row, token in grown if allowed[row, token]]).T
        paths = [(*paths[row], token) for row, token in zip(rows.tolist(), tokens.tolist(), strict=True)]
        chances = chances[rows] + normal[rows, tokens]
        found |= {path: chance for path, chance in zip(paths, chances.tolist(), strict=True) if path[-1] == END}
        open_ones = np.flatnonzero(tokens != END)
        paths, chances = [paths[number] for number in open_ones.tolist()], chances[open_ones]
        if paths:
            logits, state = engine.step(tokens[open_ones], engine.select(state, rows[open_ones]))
    return found


def following(path: Ids, tokens_of: dict[Kind, list[int]]) -> list[int]:
    """What may follow in a melody of quarters, if the grammar allows it."""
    if KINDS[path[-1]] == Kind.PITCH:
        return tokens_of[Kind.DURATION]
    over = sum(KINDS[token] == Kind.PITCH for token in path) == NOTES
    marks = [PHRASE] if path[-1] != PHRASE else []
    return [*marks, END] if over else [*marks, *tokens_of[Kind.PITCH]]


def by_masking(model: Shares, kept: Shares) -> Shares:
    """What is drawn if no token is taken that leads to no melody that keeps the rules, and nothing else is done."""
    chances: dict[Ids, float] = defaultdict(float)  # the model's, of each beginning
    for path, chance in model.items():
        for length in range(1, len(path) + 1):
            chances[path[:length]] += np.exp(chance)
    beginnings = {path[:length] for path in kept for length in range(1, len(path) + 1)}
    children: dict[Ids, float] = defaultdict(float)  # of each beginning, what goes on from it
    for beginning in beginnings:
        children[beginning[:-1]] += chances[beginning]
    return {
        path: float(
            np.prod([chances[path[:length]] / children[path[: length - 1]] for length in range(2, len(path) + 1)])
        )
        for path in kept
    }


def normalised(weights: dict[Ids, float]) -> Shares:
    """Shares of the sum."""
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()}


def variation(a: Shares, b: Shares) -> float:
    """Total variation distance of two distributions."""
    return sum(abs(a.get(key, 0) - b.get(key, 0)) for key in {*a, *b}) / 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", nargs="+", default=["lstm"])
    parser.add_argument("--draws", type=int, default=2000)
    chosen = parser.parse_args()
    for model in chosen.model:
        engine = open_model(model)[0]
        (one,) = generate(engine, Request(count=1, **FRAME))
        every = every_sequence(engine, one.header)
        print(f"{model}: {len(every):,} sequences, together {sum(np.exp(list(every.values()))):.2%} of what it says")
        for rules in CASES:
            request = Request(seed=1, count=chosen.draws, temperature=1, **FRAME | rules)
            asked = request.model_dump(mode="json")
            kept = {
                path: chance
                for path, chance in every.items()
                if certify(engine.encoding.decode(path, one.header), asked).verdict is Verdict.KEPT
            }
            true = normalised({path: float(np.exp(chance)) for path, chance in kept.items()})
            told = [f"masking {variation(normalised(by_masking(every, kept)), true):.3f}"]
            drawn = np.random.default_rng(1).multinomial(chosen.draws, list(true.values())) / chosen.draws
            told.insert(0, f"draws of it {variation(dict(zip(true, drawn.tolist(), strict=True)), true):.3f}")
            for count in PARTICLES:
                made = generate(engine, request.model_copy(update={"particles": count}))
                found = Counter(one.ids for one in made)
                assert set(found) <= set(true), "what is drawn keeps the rules"
                told.append(f"{count} {variation(normalised(dict(found)), true):.3f}")
            share = sum(np.exp(list(kept.values())))
            print(f"  {rules}: {len(kept):,} sequences, {share:.2%} of what it says: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
