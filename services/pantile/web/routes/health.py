"""Health: whether the service lives, and whether what it needs answers."""

from collections.abc import Callable
from typing import Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Response
from pydantic import BaseModel

from pantile import __version__
from pantile.catalog.database import Database
from pantile.domain.errors import ObjectMissing, ServiceDown
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.schemas.health import Health
from pantile.web.given import GivenDatabase, GivenObjects, GivenSender

router = APIRouter(tags=["health"])

PATIENCE_S = 4.0
"""How long a server may take to answer before it counts as down; below a probe's usual 5 s."""


class Alive(BaseModel):
    """That the service answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="Tell that the service lives")
async def show_liveness() -> Alive:
    """Always ok; asks nothing of any server."""
    return Alive()


@router.get(
    "/readyz",
    summary="Tell whether the service can work",
    responses={503: {"model": Health, "description": "A server that it needs does not answer."}},
)
async def show_readiness(
    response: Response, database: GivenDatabase, objects: GivenObjects, sender: GivenSender
) -> Health:
    """Whether PostgreSQL, Redis and the bucket answer."""
    answers: dict[str, bool] = {}

    async def ask(name: str, question: Callable[[], object]) -> None:
        answers[name] = await _answers(question)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "database", lambda: _reach_database(database))
        tasks.start_soon(ask, "broker", lambda: _reach_broker(sender))
        tasks.start_soon(ask, "objects", lambda: _reach_bucket(objects))
    is_ready = all(answers.values())
    response.status_code = 200 if is_ready else 503
    return Health(status="ok" if is_ready else "down", version=__version__, **answers)


async def _answers(question: Callable[[], object]) -> bool:
    with anyio.move_on_after(PATIENCE_S):
        try:
            await anyio.to_thread.run_sync(question, abandon_on_cancel=True)
        except (ServiceDown, ObjectMissing):
            return False
        return True
    return False


def _reach_database(database: Database) -> None:
    with database.transaction():
        pass


def _reach_broker(sender: Sender) -> None:
    sender.count_under_way()


def _reach_bucket(objects: ObjectStore) -> None:
    # Listing, unlike the head of an object, tells a bucket that is not there from one without that object.
    next(objects.keys("ready/"), None)
