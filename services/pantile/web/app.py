"""The web application: what it opens when it starts, and which routes it has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from pantile import __version__
from pantile.catalog.database import Database
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.settings import Settings
from pantile.web.access_log import AccessLog
from pantile.web.assets import StaticAssets
from pantile.web.body_limit import BodyLimit
from pantile.web.errors import answer_problems, answer_refusal, problems
from pantile.web.gallery_pictures import Pictures
from pantile.web.gate import Gate
from pantile.web.openapi import DESCRIPTION, TAGS, describe
from pantile.web.routes import (
    access,
    accounts,
    adjudications,
    assignments,
    cohort_pages,
    cohorts,
    corrections,
    evaluations,
    exports,
    failure_pages,
    gallery_pages,
    gallery_pictures,
    ground_truths,
    health,
    imports,
    jobs,
    placings,
    preferences,
    queues,
    readings,
    recommendations,
    results,
    reviews,
    rois,
    scored_outputs,
    scoring_pages,
    segmenter_pages,
    segmenters,
    sessions,
    slide_pages,
    slide_pictures,
    slides,
    studies,
    study_figures,
    study_import_pages,
    study_pages,
    study_report_pages,
    study_reports,
    study_result_pages,
    study_setup_pages,
    submission_pages,
    tiles,
    tokens,
    trainings,
    uploads,
    withdrawals,
    worker_pages,
    workers,
)
from pantile.web.tiles import Tiles

HANDLER_THREADS = 24
"""Requests that are handled at once; each holds at most one connection."""

WATCHER_THREADS = 4
"""Progress streams that measure at once, beside the handlers, so that watchers never keep a request waiting."""

SIGN_IN_THREADS = 2
"""Sign-ins that are looked at together. Strangers can ask for them, and each takes 64 MiB and a core for a password, or
waits for the provider."""

DATABASE_PATIENCE_S = 2.0
"""How long a request waits for a database that is down, beside which it keeps a thread from others. Its client is told
to come again."""

MANIFESTS_AT_ONCE = 2
"""Manifests that are read and submitted together, as the largest takes 300 MiB; others wait for their turn."""


class WebApp(FastAPI):
    """FastAPI with the API's own description of its errors and of manifests."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(super().openapi())
        return self.openapi_schema


_API = (
    cohorts.router,
    uploads.router,
    rois.router,
    slides.router,
    withdrawals.router,
    placings.router,
    results.router,
    reviews.router,
    jobs.router,
    segmenters.router,
    trainings.router,
    workers.router,
    studies.router,
    access.router,
    accounts.router,
    tokens.router,
    ground_truths.router,
    evaluations.router,
    corrections.router,
    recommendations.router,
    imports.router,
    queues.router,
    readings.router,
    preferences.router,
    studies.in_study,
    assignments.router,
    scored_outputs.router,
    study_figures.router,
    study_reports.router,
    adjudications.router,
    exports.router,
)
_BESIDE_THE_API = (
    health.router,
    sessions.router,
    scoring_pages.router,
    cohort_pages.router,
    gallery_pages.router,
    gallery_pictures.router,
    failure_pages.router,
    segmenter_pages.router,
    worker_pages.router,
    submission_pages.router,
    study_pages.router,
    study_report_pages.router,
    study_result_pages.router,
    study_setup_pages.router,
    study_import_pages.router,
    slide_pages.router,
    slide_pictures.router,
    tiles.router,
)


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
    api = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 422, 500, 503))
    for router in _API:
        api.include_router(router)
    for router in (api, *_BESIDE_THE_API):
        app.include_router(router)
    app.mount("/static", StaticAssets(), name="static")
    return app


@asynccontextmanager
async def _open_servers(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    anyio.to_thread.current_default_thread_limiter().total_tokens = HANDLER_THREADS
    app.state.watchers = anyio.CapacityLimiter(WATCHER_THREADS)
    app.state.manifests = anyio.CapacityLimiter(MANIFESTS_AT_ONCE)
    app.state.sign_ins = anyio.CapacityLimiter(SIGN_IN_THREADS)
    app.state.database = Database.from_settings(
        settings,
        connections=HANDLER_THREADS + WATCHER_THREADS + SIGN_IN_THREADS,
        application="pantile web",
        patience_s=DATABASE_PATIENCE_S,
    )
    app.state.objects = ObjectStore.from_settings(settings)
    app.state.tiles = Tiles(app.state.objects, max_bytes=int(settings.tile_cache_mib * 2**20))
    app.state.pictures = Pictures(app.state.objects, app.state.tiles)
    app.state.sender = Sender(settings)
    try:
        yield
    finally:
        app.state.sender.close()
        app.state.database.close()


def _operation_id(route: APIRoute) -> str:
    return route.name
