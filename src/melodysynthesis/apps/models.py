"""`melody models`: the models that can be named."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from melodysynthesis.apps.console import JSON_OPTION, say, say_json, say_table
from melodysynthesis.apps.opening import open_model


def command(
    name: Annotated[str | None, typer.Argument(help="A model's name or file, to see its whole card.")] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """List the models that `--model` can name: size, figures, and what they were trained on."""
    from melodysynthesis.runtime import pretrained

    cards = [_card(one) for one in ([name] if name is not None else pretrained.cards())]
    if as_json:
        say_json(cards if name is None else cards[0])
    elif name is not None:
        for field, value in cards[0].items():
            say(f"{field}: {_figures(value) if isinstance(value, dict) else value}")
    else:
        header = ("name", "architecture", "encoding", "parameters", "trained on", "figures")
        rows = [
            (
                card["name"],
                f"{card['architecture']} {card['preset']}",
                card["encoding"],
                f"{card['parameters']:,}",
                card["corpus"],
                _figures(card["figures"]),
            )
            for card in cards
        ]
        say_table([header, *rows])


def _card(name: str) -> dict[str, Any]:
    engine, model = open_model(name)
    return {**asdict(engine.card), "name": name, "encoding": engine.encoding.name, "sha256": model.sha256}


def _figures(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items()) or "-"
