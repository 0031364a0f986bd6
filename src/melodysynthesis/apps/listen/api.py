"""What the page of a listening test asks for: documented at `/api/openapi.json`.

    GET    /api/test               what people are told, before they agree
    POST   /api/participants       somebody agrees and takes part -> their token
    GET    /api/participant        how far they are, and what to hear and answer next
    POST   /api/answers            an answer, which is kept when this is answered -> what is next
    DELETE /api/participant        all that is kept of them is deleted
    GET    /api/sounds/{name}.wav  a melody of the question that is next

All but the first two need the token, as ``Authorization: Bearer``; with it nobody reaches anything but their own. What
is next says nothing of the sets, and the same melody has another name for each participant and question.

A mistake is answered with ``{"message": ...}``, one line for people: 401 for an unknown token, 409 for an answer that
contradicts an earlier one, 422 for one that is none, 429 for too many requests, 503 where it can't be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Path, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from melodysynthesis import __version__
from melodysynthesis.apps.listen.design import SCALE, Given
from melodysynthesis.apps.listen.rate import Rate
from melodysynthesis.apps.listen.sounds import Sounds
from melodysynthesis.apps.listen.store import (
    MOST_SECONDS,
    ConflictError,
    FullError,
    Standing,
    Store,
    Test,
    Turn,
    UnknownParticipantError,
)
from melodysynthesis.apps.web.answers import NOT_KEPT, Page, add_mistakes
from melodysynthesis.apps.web.guard import LOCAL, Guard
from melodysynthesis.errors import MelodyError

log = logging.getLogger(__name__)
_bearer = HTTPBearer(auto_error=False, description="The token that `POST /api/participants` gave.")


class About(BaseModel):
    """A test as people are told of it. `key` says which it is, to a browser that has taken part in others."""

    key: str
    title: str
    consent: str
    ratings: int = Field(description="how many melodies are rated, checks aside")
    pairs: int = Field(description="between how many pairs people choose, checks aside")
    scale: tuple[int, int] = Field(description="lowest and highest number of a rating")


class Agreed(BaseModel):
    """Somebody has read the consent text and agrees."""

    model_config = ConfigDict(extra="forbid")
    agreed: Literal[True]


class Question(BaseModel):
    """What to hear and answer next."""

    place: int = Field(description="its number from 0; goes with the answer")
    kind: str = Field(description="rating, of one melody, or pair, of two")
    sounds: list[str] = Field(description="names of the melodies, see /api/sounds")
    told: str | None = Field(description="what to answer, where people are told")


class Progress(BaseModel):
    """How far somebody is; `question` is null at the end."""

    done: int
    total: int
    question: Question | None


class Joined(Progress):
    """Somebody takes part: the token is told only here."""

    token: str


class Answered(BaseModel):
    """An answer: `pleasing` and `human` to a rating, `choice` to a pair."""

    model_config = ConfigDict(extra="forbid")
    place: int = Field(ge=0, lt=10_000)
    pleasing: int | None = Field(None, ge=SCALE[0], le=SCALE[-1], description="how much it pleases")
    human: int | None = Field(None, ge=SCALE[0], le=SCALE[-1], description="whether a person seems to have written it")
    choice: Literal["first", "second", "neither"] | None = None
    seconds: float = Field(0, ge=0, le=MOST_SECONDS, description="how long it took, for whoever made the test")


def application(store: Store, test: Test, *, hosts: tuple[str, ...] = LOCAL) -> ASGIApp:
    """A listening test as an ASGI application.

    Args:
        store: its database.
        test: which of the database's tests.
        hosts: names that it may be reached by.
    """
    app = FastAPI(
        title="MelodySynthesis listening test", version=__version__, description=__doc__,
        openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
    )  # fmt: skip
    statuses: dict[type[Exception], int] = {
        MelodyError: 422, UnknownParticipantError: 401, ConflictError: 409, FullError: 503, SQLAlchemyError: 503,
    }  # fmt: skip
    add_mistakes(app, statuses, _words)
    _add_interface(app, store, test)
    app.mount("/studio", Page("melodysynthesis.apps.studio"))
    app.mount("/", Page("melodysynthesis.apps.listen"))
    return Guard(Rate(app), hosts)


def _add_interface(app: FastAPI, store: Store, test: Test) -> None:
    sounds = Sounds(store.melody)

    @app.get("/api/test", summary="What people are told")
    def about() -> About:
        """Title and consent text are plain text; empty lines part paragraphs."""
        shape = test.shape
        return About(
            key=test.key, title=test.title, consent=test.consent, ratings=shape.ratings, pairs=shape.pairs,
            scale=(SCALE[0], SCALE[-1]),
        )  # fmt: skip

    @app.post("/api/participants", summary="Take part", status_code=201)
    def join(agreed: Agreed) -> Joined:
        """The token is a participant's only name: who loses it can't go on, and who has it can delete their answers."""
        del agreed
        token = store.join(test)
        return Joined(token=token, **_progress(store.standing(test, token), token))

    @app.get("/api/participant", summary="How far somebody is")
    def participant(token: Token) -> Progress:
        """After a reload the page goes on from here."""
        return Progress(**_progress(store.standing(test, token), token))

    @app.post("/api/answers", summary="Answer the next question")
    def answer(token: Token, said: Answered) -> Progress:
        """Questions are answered in order, each once; the same answer may be sent again, and is kept once."""
        given = Given(said.pleasing, said.human, said.choice)
        return Progress(**_progress(store.answer(test, token, said.place, given, said.seconds), token))

    @app.delete("/api/participant", summary="Delete all that is kept of a participant", status_code=204)
    def leave(token: Token) -> Response:
        """Their answers, what they were to hear, and their token."""
        store.leave(test, token)
        return Response(status_code=204)

    @app.get("/api/sounds/{name}.wav", summary="A melody of the next question", response_class=Response)
    def sound(token: Token, name: Annotated[str, Path(max_length=64)]) -> Response:
        """As the piano of the SoundFont plays it, all equally loud and at 120 quarters a minute."""
        turn = store.standing(test, token).turn
        for known, melody in zip(_names(turn, token), turn.melodies, strict=True) if turn else ():
            if hmac.compare_digest(known.encode(), name.encode()):
                return Response(sounds[melody], media_type="audio/wav", headers=NOT_KEPT)
        raise HTTPException(404, "this melody is none of the next question")


def _token(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    if sent is None:
        raise UnknownParticipantError("this needs the code of a participant")
    return sent.credentials


Token = Annotated[str, Depends(_token)]


def _progress(standing: Standing, token: str) -> dict[str, Any]:
    turn = standing.turn
    question = turn and Question(place=turn.place, kind=turn.kind, sounds=_names(turn, token), told=turn.told)
    return {"done": standing.done, "total": standing.total, "question": question}


def _names(turn: Turn, token: str) -> list[str]:
    """Names of the melodies of a question, which tell nothing: the same melody has others elsewhere."""
    places = range(len(turn.melodies))
    return [hmac.new(token.encode(), f"{turn.place} {n}".encode(), hashlib.sha256).hexdigest()[:32] for n in places]


def _words(error: Exception) -> str:
    """What people are told of an error; what they need not know is logged."""
    if isinstance(error, SQLAlchemyError):
        log.error("%s", " ".join(str(error).split())[:300])
        return "the answers can't be reached at the moment: nothing was lost, try again"
    return str(error)
