"""`melody studio`: the studio on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from melodysynthesis.apps.web.serving import LOOPBACK, Browser, Host, Port, listening_on, serve
from melodysynthesis.errors import MelodyError, ModelError
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import ModelCard

STUDIO_PORT = 8765


def command(
    *,
    port: Port = STUDIO_PORT,
    host: Host = LOOPBACK,
    model: Annotated[
        list[str] | None, typer.Option(help="A model to offer first: name, file or run's folder; may be repeated.")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="Folder of a study whose report is shown next to the comparison.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes; as processors if not given.", min=1)] = None,
    known_as: Annotated[
        list[str] | None,
        typer.Option(help="A name that others reach this machine by, as through a proxy; may be repeated."),
    ] = None,
    browser: Browser = True,
) -> None:
    """Compose in the browser: a page on this machine, without account or network. Ctrl-C ends it."""
    from melodysynthesis.apps.studio.api import application
    from melodysynthesis.apps.web.guard import LOCAL

    report = None if study is None else report_in(study)
    models, cards = offered(model or [])
    listening = listening_on(host, port)
    workers = workers or max(2, min(os.cpu_count() or 2, 8))
    app = application(models, cards, workers=workers, hosts=(*LOCAL, host, *(known_as or [])), report=report)
    name = (known_as or ["localhost" if host in LOCAL else host])[0]
    serve(app, listening, "studio", name, browser=browser, ws="wsproto", ws_max_size=2**20, limit_concurrency=200)


def offered(extra: list[str]) -> tuple[dict[str, str], dict[str, ModelCard]]:
    """Files and cards of the models on offer, by name: the user's own first, then those that ship.

    Raises:
        ModelError: if one can't be opened, or two have one name.
    """
    from melodysynthesis.runtime.loading import open_model

    models: dict[str, str] = {}
    cards: dict[str, ModelCard] = {}
    for model in extra:
        name = model if model in pretrained.PRETRAINED else Path(model).stem
        if name in models:
            raise ModelError(f"{model}: another model is called {name!r} already")
        cards[name], models[name] = open_model(model)[1].card, str(pretrained.path_of(model).absolute())
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
