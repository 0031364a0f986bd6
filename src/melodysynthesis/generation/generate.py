"""Melodies of a request: drawn freely, or by particles where rules are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from melodysynthesis.constraints import Constraint
from melodysynthesis.generation.free import generate_free
from melodysynthesis.generation.generated import Generated
from melodysynthesis.generation.prompt import prompts_for
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.ruled import check_ruled, generate_ruled
from melodysynthesis.runtime.base import Engine


def generate(engine: Engine, request: Request, constraints: Sequence[Constraint] = ()) -> list[Generated]:
    """The melodies of a request, in order.

    Args:
        engine: the model.
        request: what is asked for.
        constraints: rules beside those that always hold, for `count` sequences.

    Raises:
        RequestError: for contradictions that show only beside the model or the primer.
        EncodingError: where the model's encoding can't say the primer.
        ModelError: if the model gives no numbers.
    """
    return generate_only(engine, request, range(request.count), constraints)


def generate_only(
    engine: Engine,
    request: Request,
    indices: Iterable[int],
    constraints: Sequence[Constraint] = (),
    advance: Callable[[int], None] = lambda done: None,
) -> list[Generated]:
    """Some of the melodies of a request, by their numbers from 0; see `generate`.

    Args:
        engine: the model.
        request: what is asked for; its count is not looked at.
        indices: numbers of the melodies, each once.
        constraints: rules whose sequences are those of `indices`, in this order.
        advance: is told after each step how many melodies have ended.
    """
    if request.steered:
        return generate_ruled(engine, request, list(indices), advance)
    return generate_free(engine, request, indices, constraints, advance)


def check(engine: Engine, request: Request) -> None:
    """Raise what `generate` would raise for a request that contradicts the model, its primers or itself."""
    prompts_for(engine.encoding, request, range(request.count))
    if request.steered:
        check_ruled(engine, request)
