"""Workers: listed, looked at, drained."""

from fastapi import APIRouter

from pantile.catalog import workers
from pantile.schemas.workers import WorkerList, WorkerOut
from pantile.web.answers import worker_out
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase, WorkerPath

router = APIRouter(prefix="/workers", tags=["workers"])


@router.get("", summary="List workers")
def list_workers(database: GivenDatabase) -> WorkerList:
    """All workers with what they hold now."""
    with database.transaction() as connection:
        return WorkerList(workers=[worker_out(row) for row in workers.list_workers(connection)])


@router.get("/{worker}", summary="Show a worker", responses=problems(404))
def show_worker(worker: WorkerPath, database: GivenDatabase) -> WorkerOut:
    """A worker with what it holds now."""
    with database.transaction() as connection:
        return worker_out(workers.get_worker(connection, worker))


@router.post("/{worker}/drain", summary="Drain a worker", responses=problems(404))
def drain_worker(worker: WorkerPath, actor: GivenActor, database: GivenDatabase) -> WorkerOut:
    """Lets a worker take no new work and end what it holds; once its state is drained it may be stopped."""
    with database.transaction() as connection:
        return worker_out(workers.drain_worker(connection, worker, drain=True, actor=actor))


@router.post("/{worker}/undrain", summary="Let a drained worker work", responses=problems(404))
def undrain_worker(worker: WorkerPath, actor: GivenActor, database: GivenDatabase) -> WorkerOut:
    """Lets a worker take work again."""
    with database.transaction() as connection:
        return worker_out(workers.drain_worker(connection, worker, drain=False, actor=actor))
