"""A studio whose model is an n-gram of a scale, made once; its workers are real processes."""

import os
import re
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from melodysynthesis.apps.studio.api import application
from melodysynthesis.apps.studio.command import offered
from tests.apps.studio.chromium import CHROMIUM, PATIENCE, opened

SERVE = "from melodysynthesis.apps.cli import main; main()"


@pytest.fixture(scope="session")
def studio_app(models):
    files, cards = offered([models["event"]])
    return application(files, cards, workers=1)


@pytest.fixture(scope="session")
def client(studio_app):
    with TestClient(studio_app, base_url="http://localhost:8765") as client:
        yield client


@pytest.fixture(scope="module")
def address(models):
    """A studio that offers an n-gram of a scale first."""
    command = (
        sys.executable,
        "-c",
        SERVE,
        "studio",
        "--port",
        "0",
        "--no-browser",
        "--workers",
        "1",
        "--model",
        models["event"],
    )
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as server:
        assert server.stdout is not None
        yield re.search(r"http://\S+", server.stdout.readline())[0]
        server.terminate()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        flags = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = running.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    """The page as somebody sees it for the first time; what goes wrong in it fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    opened(page, address)
    yield page
    context.close()
    assert not errors
