"""The web application: what it opens when it starts, and which routes it has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from pantile import __version__
from pantile.catalog.database import Database
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.settings import Settings
from pantile.web.access_log import AccessLog
from pantile.web.body_limit import BodyLimit
from pantile.web.errors import answer_problems, answer_refusal, problems
from pantile.web.gate import Gate
from pantile.web.openapi import DESCRIPTION, TAGS, describe
from pantile.web.routes import (
    access,
    accounts,
    cohorts,
    health,
    jobs,
    results,
    reviews,
    segmenters,
    sessions,
    tokens,
    trainings,
    uploads,
)

HANDLER_THREADS = 24
"""Requests that are handled at once; each holds at most one connection."""

WATCHER_THREADS = 4
"""Progress streams that measure at once, beside the handlers, so that watchers never keep a request waiting."""

SIGN_IN_THREADS = 2
"""Sign-ins that are looked at together. Strangers can ask for them, and each takes 64 MiB and a core for a password, or
waits for the provider."""


class WebApp(FastAPI):
    """FastAPI with the API's own description of its errors and of manifests."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(super().openapi())
        return self.openapi_schema


def create_app(settings: Settings) -> FastAPI:
    """The application; it connects to nothing before it is started."""
    app = WebApp(
        title="Pantile",
        version=__version__,
        summary="Runs every segmentation model over every region of interest of a cancer cohort.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=_open_servers,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.is_stopping = False
    answer_problems(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Gate, refuse=answer_refusal)
    app.add_middleware(AccessLog)
    api = APIRouter(prefix="/v1", responses=problems(401, 403, 413, 422, 500, 503))
    for routes in (cohorts, uploads, results, reviews, jobs, segmenters, trainings, access, accounts, tokens):
        api.include_router(routes.router)
    app.include_router(api)
    app.include_router(health.router)
    app.include_router(sessions.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    return app


@asynccontextmanager
async def _open_servers(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    anyio.to_thread.current_default_thread_limiter().total_tokens = HANDLER_THREADS
    app.state.watchers = anyio.CapacityLimiter(WATCHER_THREADS)
    app.state.sign_ins = anyio.CapacityLimiter(SIGN_IN_THREADS)
    app.state.database = Database.from_settings(
        settings, connections=HANDLER_THREADS + WATCHER_THREADS + SIGN_IN_THREADS, application="pantile web"
    )
    app.state.objects = ObjectStore.from_settings(settings)
    app.state.sender = Sender(settings)
    try:
        yield
    finally:
        app.state.sender.close()
        app.state.database.close()


def _operation_id(route: APIRoute) -> str:
    return route.name
