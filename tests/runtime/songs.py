"""Songs made by chance, and how an engine goes along one: for the tests of counted models."""

import io

import numpy as np

from melodysynthesis.encodings import GridEncoding, token_ids

GRID = GridEncoding(range(60, 66))


def random_song(rng, length=60):
    """A first-order random walk on the grid, with holds."""
    tokens = ["/"]
    for _ in range(length):
        tokens.append(rng.choice(["60", "62", "64", "_", "_", "_", "r"]) if len(tokens) > 1 else "60")
    return token_ids(GRID, [*tokens, "/"])


def random_songs():
    """Forty of them, always the same."""
    rng = np.random.default_rng(5)
    return [random_song(rng) for _ in range(40)]


def logits_along(engine, ids):
    """(tokens - 1, vocabulary) logits of every token of one sequence after its first."""
    logits, state = engine.init(1)
    rows = [logits[0]]
    for token in ids[1:-1]:
        logits, state = engine.step(np.array([token]), state)
        rows.append(logits[0])
    return np.array(rows)


def damaged(data, **changes):
    """An ``.npz`` file with some arrays changed."""
    arrays = dict(np.load(io.BytesIO(data)))
    arrays.update(changes)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
