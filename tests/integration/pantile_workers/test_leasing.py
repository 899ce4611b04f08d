"""How work ends that goes wrong: charged to its row, to nobody, or as a suspect; and how a worker lets go of all."""

import errno
import gc
import resource
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from structlog.testing import capture_logs

from pantile.catalog import jobs, leases
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database, Row
from pantile.catalog.leases import Lease
from pantile.domain.errors import ImageUnreadable, LeaseLost, ObjectStoreDown
from pantile.objects import ObjectStore, sha256_of
from pantile_workers.leasing import NotDone, attempt
from pantile_workers.runtime import Runtime

MakeCohort = Callable[..., Cohort]


def claim(database: Database, job_id: int = 1, *, alone: bool = False) -> list[Lease]:
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET not_before = now()")
        claimed = jobs.claim_jobs(connection, job_id, worker="w", token=uuid4(), lease_s=60, alone=alone).jobs
    return [job.lease for job in claimed]


def rows(database: Database) -> list[Row]:
    with database.transaction() as connection:
        return connection.execute(
            "SELECT state, charged_attempts AS charged, suspect, error_kind, error FROM jobs ORDER BY id"
        ).fetchall()


def go_wrong(runtime: Runtime, lease: Lease, error: Exception) -> None:
    def work() -> None:
        raise error

    with pytest.raises(NotDone):
        attempt(runtime.leases, lease, work)


@pytest.mark.parametrize(
    ("error", "charged"),
    [
        (ObjectStoreDown("rois/0"), 0),
        (OSError(errno.ENOSPC, "No space left on device"), 0),
        (OSError(errno.EMFILE, "Too many open files"), 0),
        (OSError(errno.EIO, "Input/output error"), 1),
        (ValueError("it broke"), 1),
    ],
)
def test_trouble_of_servers_and_of_the_disk_is_charged_to_no_job(
    database: Database, runtime: Runtime, make_cohort: MakeCohort, error: Exception, charged: int
) -> None:
    make_cohort(images=1, segmenter_names=("lung",))
    (lease,) = claim(database)

    go_wrong(runtime, lease, error)

    (job,) = rows(database)
    assert (job["state"], job["charged"], job["suspect"]) == ("waiting", charged, False)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        ImageUnreadable("vips_tracked: out of memory -- size == 1GB"),
        ImageUnreadable("glib: Error creating thread: Resource temporarily unavailable"),
        RuntimeError("can't start new thread"),
    ],
)
def test_memory_that_does_not_suffice_makes_a_suspect_and_is_charged_when_it_was_alone(
    database: Database, runtime: Runtime, make_cohort: MakeCohort, error: Exception
) -> None:
    make_cohort(images=1)
    lease, sibling = claim(database)
    go_wrong(runtime, lease, error)
    in_company = rows(database)

    with database.transaction() as connection:
        leases.release(connection, "jobs", [sibling.token])
    (alone,) = claim(database, lease.row_id, alone=True)
    go_wrong(runtime, alone, error)

    assert [(job["state"], job["charged"], job["suspect"]) for job in in_company] == [
        ("waiting", 0, True),
        ("running", 0, False),
    ]
    guilty, _ = rows(database)
    assert (guilty["state"], guilty["charged"]) == ("waiting", 1)
    assert guilty["error"].startswith("The memory did not suffice (")


def test_what_failed_work_had_in_hand_is_let_go_of_at_once(
    database: Database, runtime: Runtime, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1, segmenter_names=("lung",))
    (lease,) = claim(database)
    taken: list[weakref.ref[np.ndarray[Any, Any]]] = []

    def work() -> None:
        in_hand = np.zeros(9)
        taken.append(weakref.ref(in_hand))
        kept = MemoryError()  # in a circle with its own frame, as the errors of threads are
        raise kept

    gc.disable()
    try:
        # What the tests' own log prints of a traceback makes circles, too.
        with capture_logs(), pytest.raises(NotDone):
            attempt(runtime.leases, lease, work)

        assert taken[0]() is None
    finally:
        gc.enable()


def test_a_worker_that_cannot_go_on_suspects_what_is_under_way_and_gives_the_rest_back(
    database: Database, runtime: Runtime, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    under_way, waiting = claim(database)

    with ExitStack() as held:
        held.enter_context(runtime.leases.holding([under_way, waiting]))
        held.enter_context(runtime.leases.working(under_way))
        ended = runtime.leases.abandon(kind="DeadlinePassed", cause="The work did not end within 9 s")

    assert ended == 2
    assert [(job["state"], job["charged"], job["suspect"]) for job in rows(database)] == [
        ("waiting", 0, True),
        ("waiting", 0, False),
    ]
    assert rows(database)[0]["error"] == "The work did not end within 9 s."


def test_an_old_lease_that_is_let_go_leaves_the_new_one_of_the_same_row_alone(runtime: Runtime) -> None:
    old, new = (Lease(table="jobs", row_id=1, token=uuid4()) for _ in range(2))

    with runtime.leases.holding([new]):
        with runtime.leases.holding([old]):
            pass

        runtime.leases.check(new)
        with pytest.raises(LeaseLost):
            runtime.leases.check(old)


def test_the_longest_work_is_the_one_that_began_first(runtime: Runtime) -> None:
    first, second = (Lease(table="jobs", row_id=number, token=uuid4()) for number in (1, 2))

    idle_s = runtime.leases.longest_s()
    with runtime.leases.working(first):
        with runtime.leases.working(second):
            pass
        first_s = runtime.leases.longest_s()
        with runtime.leases.working(second):
            assert runtime.leases.longest_s() >= first_s > 0
    assert idle_s == runtime.leases.longest_s() == 0


@contextmanager
def small_files() -> Iterator[None]:
    """Lets this process write files of at most 1,000 bytes; briefly, since its own output may be a file as well."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_checkpoint_that_cannot_be_written_whole_leaves_nothing_in_the_scratch(
    runtime: Runtime, objects: ObjectStore
) -> None:
    data = bytes(900)
    small = runtime.fetch_checkpoint(put_checkpoint(objects, data), sha256=sha256_of(data))
    data = bytes(100_000)
    key = put_checkpoint(objects, data)

    with small_files(), pytest.raises(OSError, match="File too large"):
        runtime.fetch_checkpoint(key, sha256=sha256_of(data))

    assert list(small.parent.iterdir()) == [small]


def put_checkpoint(objects: ObjectStore, data: bytes) -> str:
    return objects.put_named("checkpoints", data, suffix=".safetensors", media_type="application/octet-stream").key
