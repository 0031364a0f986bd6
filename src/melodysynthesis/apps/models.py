"""`melody models`: the models that can be named."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from melodysynthesis.apps.console import JSON_OPTION, say, say_json, say_table
from melodysynthesis.runtime.loading import read_summary


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
        header = ("name", "architecture", "encoding", "parameters", "MB", "trained on", "bits per note")
        rows = [
            (
                card["name"],
                f"{card['architecture']} {card['preset']}",
                card["encoding"],
                f"{card['parameters']:,}",
                f"{card['bytes'] / 1e6:.1f}",
                card["corpus"],
                _bits_per_note(card["figures"]),
            )
            for card in cards
        ]
        say_table([header, *rows])
        for corpus, licence in {card["corpus"]: card["licence"] for card in cards}.items():
            say(f"\n{corpus}: {licence}")


def _card(name: str) -> dict[str, Any]:
    model, encoding, size = read_summary(name)
    return {**asdict(model.card), "name": name, "encoding": encoding.name, "bytes": size, "sha256": model.sha256}


def _bits_per_note(figures: dict[str, float]) -> str:
    """Of the test set if it was measured, else of the validation set."""
    found = [
        f"{figures[name]:.3f} ({split})"
        for split in ("test", "validation")
        if (name := f"{split} bits per note") in figures
    ]
    return found[0] if found else "-"


def _figures(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items()) or "-"
