"""The page of workers: what each runs on, what it holds now, and the way to take it out of work."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from pantile.catalog import workers
from pantile.web.answers import worker_out
from pantile.web.forms import OwnForm
from pantile.web.given import GivenActor, GivenDatabase, WorkerPath
from pantile.web.pages import render_scripted, to_page

router = APIRouter(prefix="/workers", include_in_schema=False)


@router.get("")
def list_workers(request: Request, database: GivenDatabase, *, kind: str = "") -> Response:
    """All workers, or those of one kind, with what they hold."""
    with database.transaction() as connection:
        found = [worker_out(row) for row in workers.list_workers(connection)]
    kinds = sorted({each.kind for each in found})
    listed = [each for each in found if kind not in kinds or each.kind == kind]
    return render_scripted(request, "workers/list.html", listed=listed, kinds=kinds, kind=kind, is_live=True)


@router.post("/{worker}/drain")
def drain_worker(worker: WorkerPath, _: OwnForm, actor: GivenActor, database: GivenDatabase) -> Response:
    """Lets a worker take no new work."""
    with database.transaction() as connection:
        workers.drain_worker(connection, worker, drain=True, actor=actor)
    return to_page("/workers", done="draining")


@router.post("/{worker}/undrain")
def undrain_worker(worker: WorkerPath, _: OwnForm, actor: GivenActor, database: GivenDatabase) -> Response:
    """Lets a worker take work again."""
    with database.transaction() as connection:
        workers.drain_worker(connection, worker, drain=False, actor=actor)
    return to_page("/workers", done="undrained")
