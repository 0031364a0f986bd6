"""An address on this machine, and the server behind it."""

from __future__ import annotations

import socket
import webbrowser
from threading import Timer
from typing import TYPE_CHECKING, Annotated, Any

import typer

from melodysynthesis.apps.console import say
from melodysynthesis.errors import MelodyError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"

Host = Annotated[str, typer.Option(help="Address to listen on: only this machine can reach the default.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)]
Browser = Annotated[bool, typer.Option(help="Whether to open a browser.")]


def serve(app: ASGIApp, listening: socket.socket, what: str, name: str, *, browser: bool, **config: Any) -> None:
    """Serve an application until Ctrl-C.

    Args:
        app: the application.
        listening: see `listening_on`.
        what: it is, for people.
        name: by which it is reached.
        browser: whether to open one.
        config: of uvicorn.
    """
    import uvicorn

    from melodysynthesis.apps.web.connections import TimedProtocol

    address = f"http://{name}:{listening.getsockname()[1]}"
    say(f"The {what} is at {address} (Ctrl-C ends it)")
    if browser:
        Timer(0.5, webbrowser.open, [address]).start()
    settings: dict[str, Any] = {"log_level": "warning", "timeout_keep_alive": 30, "http": TimedProtocol} | config
    uvicorn.Server(uvicorn.Config(app, **settings)).run([listening])


def listening_on(host: str, port: int) -> socket.socket:
    """A socket that listens, so that the address is known before it is printed.

    Raises:
        MelodyError: if it can't.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)  # who comes before the server is up waits a moment
    except (OSError, TypeError, ValueError) as error:  # a host name that can't be encoded is not an OSError
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise MelodyError(f"can't listen on {host}, port {port}: {reason}: try --port 0") from None
    return listening
