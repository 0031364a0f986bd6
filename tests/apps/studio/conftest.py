"""A studio whose model is an n-gram of a scale, made once; its workers are real processes."""

import pytest
from fastapi.testclient import TestClient

from melodysynthesis.apps.studio.api import application
from melodysynthesis.apps.studio.command import offered


@pytest.fixture(scope="session")
def studio_app(models):
    files, cards = offered([models["event"]])
    return application(files, cards, workers=1)


@pytest.fixture(scope="session")
def client(studio_app):
    with TestClient(studio_app, base_url="http://localhost:8765") as client:
        yield client
