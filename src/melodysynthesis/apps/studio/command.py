"""`melody studio`: the studio on this machine."""

from __future__ import annotations

import os
import socket
import webbrowser
from pathlib import Path
from threading import Timer
from typing import Annotated

import typer

from melodysynthesis.apps.console import say
from melodysynthesis.errors import MelodyError, ModelError
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import Card

PORT = 8765


def command(
    *,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on: only this machine can reach the default.")] = (
        "127.0.0.1"
    ),
    model: Annotated[
        list[str] | None, typer.Option(help="A model to offer first: name, file or run's folder; may be repeated.")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="Folder of a study whose report is shown beside what is compared.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; as processors if not given.", min=1)] = None,
    browser: Annotated[bool, typer.Option(help="Whether to open a browser.")] = True,
) -> None:
    """Compose in the browser: a page on this machine, without account or network. Ctrl-C ends it."""
    import uvicorn

    from melodysynthesis.apps.studio.api import application
    from melodysynthesis.apps.studio.guard import LOCAL

    report = None if study is None else report_in(study)
    models, cards = offered(model or [])
    listening = listening_on(host, port)
    name = "localhost" if host in LOCAL else host
    address = f"http://{name}:{listening.getsockname()[1]}"
    app = application(
        models, cards, workers=workers or max(2, min(os.cpu_count() or 2, 8)), hosts=(*LOCAL, host), report=report
    )
    say(f"The studio is at {address} (Ctrl-C ends it)")
    if browser:
        Timer(0.5, webbrowser.open, [address]).start()
    config = uvicorn.Config(
        app, ws="wsproto", ws_max_size=2**20, log_level="warning", timeout_keep_alive=30, limit_concurrency=200
    )
    uvicorn.Server(config).run([listening])


def offered(extra: list[str]) -> tuple[dict[str, str], dict[str, Card]]:
    """Files and cards of the models on offer, by name: the user's own first, then those that ship.

    Raises:
        ModelError: if one can't be opened, or two have one name.
    """
    from melodysynthesis.apps.opening import open_model

    models: dict[str, str] = {}
    cards: dict[str, Card] = {}
    for asked in extra:
        name = asked if asked in pretrained.PRETRAINED else Path(asked).stem
        if name in models:
            raise ModelError(f"{asked}: another model is called {name!r} already")
        cards[name], models[name] = open_model(asked)[1].card, str(pretrained.path_of(asked).absolute())
    for name, card in pretrained.cards().items():
        if name not in models:
            models[name], cards[name] = str(pretrained.path_of(name)), card
    return models, cards


def report_in(folder: Path) -> Path:
    """The page of a study's report in its folder.

    Raises:
        MelodyError: if there is none, with the command that writes it.
    """
    page = folder / "report.html"
    if not page.is_file():
        raise MelodyError(f"{folder}: there is no report.html in this folder: melody study report {folder}")
    return page


def listening_on(host: str, port: int) -> socket.socket:
    """A socket that listens, so that the address is known before anything is told.

    Raises:
        MelodyError: if it can't.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)  # who comes before the server is up waits a moment
    except OSError as error:
        raise MelodyError(f"can't listen on {host}, port {port}: {error.strerror or error}: try --port 0") from None
    return listening
