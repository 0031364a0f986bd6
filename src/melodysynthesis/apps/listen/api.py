"""The HTTP interface of a listening test, documented at `/api/openapi.json`.

    GET    /api/test               title, consent text and size of the test
    POST   /api/participants       a participant agrees and joins -> their token
    GET    /api/participant        their progress, and the next question
    POST   /api/answers            stores an answer -> the next question
    DELETE /api/participant        deletes all data of the participant
    GET    /api/sounds/{name}.wav  a melody of the next question

All but the first two need the token, as ``Authorization: Bearer``; a token gives access to its own
participant only. A question does not reveal the sets: a melody has a different name for each participant and
question.

An error is answered with ``{"message": ...}``, one line that the page shows: 401 for an unknown token, 409 for an
answer that contradicts an earlier one, 422 for an invalid one, 429 for too many requests, 503 if it can't be stored.
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
from melodysynthesis.apps.listen.design import RATINGS, Answer
from melodysynthesis.apps.listen.rate import Rate
from melodysynthesis.apps.listen.sounds import Sounds
from melodysynthesis.apps.listen.store import (
    MOST_SECONDS,
    ConflictError,
    FullError,
    ListeningTest,
    NextTrial,
    ParticipantProgress,
    Store,
    UnknownParticipantError,
)
from melodysynthesis.apps.web.answers import NOT_KEPT, Page, add_mistakes
from melodysynthesis.apps.web.guard import LOCAL, Guard
from melodysynthesis.errors import MelodyError

log = logging.getLogger(__name__)
_bearer = HTTPBearer(auto_error=False, description="The token that `POST /api/participants` gave.")


class About(BaseModel):
    """A test as the page introduces it. `key` tells a browser's tests apart."""

    key: str
    title: str
    consent: str
    ratings: int = Field(description="how many melodies are rated, checks aside")
    pairs: int = Field(description="between how many pairs people choose, checks aside")
    scale: tuple[int, int] = Field(description="lowest and highest number of a rating")


class Agreed(BaseModel):
    """The participant has read the consent text and agrees."""

    model_config = ConfigDict(extra="forbid")
    agreed: Literal[True]


class Question(BaseModel):
    """The next question: the melodies to hear, and what to answer."""

    place: int = Field(description="its number from 0; goes with the answer")
    kind: str = Field(description="rating, of one melody, or pair, of two")
    sounds: list[str] = Field(description="names of the melodies, see /api/sounds")
    told: str | None = Field(description="the answer that the page demands, in an attention check")


class Progress(BaseModel):
    """The progress of a participant; `question` is null at the end."""

    done: int
    total: int
    question: Question | None


class Joined(Progress):
    """The participant has joined; only this response contains the token."""

    token: str


class AnswerBody(BaseModel):
    """An answer: `pleasing` and `human` to a rating, `choice` to a pair."""

    model_config = ConfigDict(extra="forbid")
    place: int = Field(ge=0, lt=10_000)
    pleasing: int | None = Field(None, ge=RATINGS[0], le=RATINGS[-1], description="how much it pleases")
    human: int | None = Field(
        None, ge=RATINGS[0], le=RATINGS[-1], description="whether a person seems to have written it"
    )
    choice: Literal["first", "second", "neither"] | None = None
    seconds: float = Field(0, ge=0, le=MOST_SECONDS, description="seconds until the answer, for the results")


def application(store: Store, test: ListeningTest, *, hosts: tuple[str, ...] = LOCAL) -> ASGIApp:
    """A listening test as an ASGI application.

    Args:
        store: its database.
        test: which of the database's tests.
        hosts: host names and addresses under which it may be reached.
    """
    app = FastAPI(
        title="MelodySynthesis listening test", version=__version__, description=__doc__,
        openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
    )  # fmt: skip
    statuses: dict[type[Exception], int] = {
        MelodyError: 422, UnknownParticipantError: 401, ConflictError: 409, FullError: 503, SQLAlchemyError: 503,
    }  # fmt: skip
    add_mistakes(app, statuses, _message)
    _add_interface(app, store, test)
    app.mount("/studio", Page("melodysynthesis.apps.studio"))
    app.mount("/", Page("melodysynthesis.apps.listen"))
    return Guard(Rate(app), hosts)


def _add_interface(app: FastAPI, store: Store, test: ListeningTest) -> None:
    sounds = Sounds(store.melody)

    @app.get("/api/test", summary="Title, consent text and size of the test")
    def about() -> About:
        """Title and consent text are plain text; empty lines separate paragraphs."""
        shape = test.shape
        return About(
            key=test.key, title=test.title, consent=test.consent, ratings=shape.ratings, pairs=shape.pairs,
            scale=(RATINGS[0], RATINGS[-1]),
        )  # fmt: skip

    @app.post("/api/participants", summary="Take part", status_code=201)
    def join(agreed: Agreed) -> Joined:
        """The token alone identifies a participant: they need it to go on, and to delete their answers."""
        del agreed
        token = store.join(test)
        return Joined(token=token, **_progress(store.progress(test, token), token))

    @app.get("/api/participant", summary="Progress of a participant")
    def participant(token: Token) -> Progress:
        """After a reload the page goes on from here."""
        return Progress(**_progress(store.progress(test, token), token))

    @app.post("/api/answers", summary="Answer the next question")
    def answer(token: Token, body: AnswerBody) -> Progress:
        """Questions are answered in order, each once. The same answer may be sent again; it is stored once."""
        answer = Answer(body.pleasing, body.human, body.choice)
        return Progress(**_progress(store.answer(test, token, body.place, answer, body.seconds), token))

    @app.delete("/api/participant", summary="Delete all data of a participant", status_code=204)
    def leave(token: Token) -> Response:
        """Deletes their answers, their trials, and the hash of their token."""
        store.leave(test, token)
        return Response(status_code=204)

    @app.get("/api/sounds/{name}.wav", summary="A melody of the next question", response_class=Response)
    def sound(token: Token, name: Annotated[str, Path(max_length=64)]) -> Response:
        """The SoundFont's piano plays it, all melodies equally loud and at 120 quarters a minute."""
        turn = store.progress(test, token).turn
        for known, melody in zip(_names(turn, token), turn.melodies, strict=True) if turn else ():
            if hmac.compare_digest(known.encode(), name.encode()):
                return Response(sounds[melody], media_type="audio/wav", headers=NOT_KEPT)
        raise HTTPException(404, "this melody is none of the next question")


def _token(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    if sent is None:
        raise UnknownParticipantError("this needs the code of a participant")
    return sent.credentials


Token = Annotated[str, Depends(_token)]


def _progress(state: ParticipantProgress, token: str) -> dict[str, Any]:
    turn = state.turn
    question = turn and Question(place=turn.place, kind=turn.kind, sounds=_names(turn, token), told=turn.demanded)
    return {"done": state.done, "total": state.total, "question": question}


def _names(turn: NextTrial, token: str) -> list[str]:
    """Opaque names of the melodies of a question; the same melody has other names in other questions."""
    places = range(len(turn.melodies))
    return [hmac.new(token.encode(), f"{turn.place} {n}".encode(), hashlib.sha256).hexdigest()[:32] for n in places]


def _message(error: Exception) -> str:
    """Word an error for the page; details of the database go to the log only."""
    if isinstance(error, SQLAlchemyError):
        log.error("%s", " ".join(str(error).split())[:300])
        return "the answers can't be reached at the moment: nothing was lost, try again"
    return str(error)
