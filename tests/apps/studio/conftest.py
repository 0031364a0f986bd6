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


class Server:
    """A studio in a process of its own, which can be killed and started again at its address."""

    def __init__(self, model):
        self.model, self.port, self.process, self.address = model, 0, None, ""

    def start(self):
        options = ["--port", str(self.port), "--no-browser", "--workers", "1", "--model", self.model]
        command = [sys.executable, "-c", SERVE, "studio", *options]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.address = re.search(r"http://\S+", self.process.stdout.readline())[0]
        self.port = int(self.address.rpartition(":")[2])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server(models):
    """A studio that offers an n-gram of a scale first."""
    server = Server(models["event"])
    server.start()
    yield server
    server.process.terminate()
    server.process.wait()
    server.process.stdout.close()


@pytest.fixture(scope="module")
def address(server):
    return server.address


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
