"""Serves the page's files, and words errors: every error is ``{"message": ...}``, one line to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

ALWAYS_ASK = {"cache-control": "no-cache"}
NOT_KEPT = {"cache-control": "no-store"}


class Page(StaticFiles):
    """The files of a page, in a package's folder `static`: small, and requested again each time, so that no
    old one meets a new one."""

    def __init__(self, package: str) -> None:
        super().__init__(directory=str(files(package) / "static"), html=True)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """See `StaticFiles.file_response`."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(ALWAYS_ASK)
        return response


def add_mistakes(
    app: FastAPI, statuses: Mapping[type[Exception], int], words: Callable[[Exception], str] = str
) -> None:
    """Answer errors with their messages.

    Args:
        app: that raises them.
        statuses: HTTP statuses of its own errors.
        words: words such an error.
    """

    async def answer(request: Request, error: Exception) -> JSONResponse:
        del request
        status = next(statuses[kind] for kind in type(error).__mro__ if kind in statuses)
        return JSONResponse({"message": words(error)}, status, NOT_KEPT)

    for error in statuses:
        app.add_exception_handler(error, answer)
    app.add_exception_handler(RequestValidationError, _ill_formed)
    app.add_exception_handler(HTTPException, _refused)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, HTTPException)
    return JSONResponse({"message": error.detail}, error.status_code, NOT_KEPT)


async def _ill_formed(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return JSONResponse({"message": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422, NOT_KEPT)
