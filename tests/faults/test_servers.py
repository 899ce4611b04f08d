"""Servers die, go silent, forget and corrupt; the cohort goes on when they are back."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pantile.domain.jobs import JobState
from tests.faults.invariants import Expected, check_invariants
from tests.faults.proxies import Mode
from tests.faults.rig import SEGMENTERS, WORKERS, Rig, Submitted

long = pytest.mark.long

_OUTAGE_S = 30.0


@contextmanager
def during_a_cohort(rig: Rig) -> Iterator[Submitted]:
    """A cohort of which a tenth is done."""
    submitted = rig.submit()
    rig.await_share(submitted, 0.1)
    yield submitted


def test_redis_may_be_killed(rig: Rig, expected: Expected) -> None:
    with during_a_cohort(rig) as submitted:
        pid = rig.signal("redis", signal.SIGKILL)

    rig.await_restart("redis", pid)
    check_invariants(rig, submitted, expected)


def test_redis_may_forget_everything(rig: Rig, expected: Expected) -> None:
    with during_a_cohort(rig) as submitted:
        rig.redis.flushall()

    check_invariants(rig, submitted, expected)


@long
@pytest.mark.parametrize("mode", [Mode.SILENT, Mode.DOWN])
def test_redis_may_be_out_of_reach(rig: Rig, expected: Expected, mode: Mode) -> None:
    with during_a_cohort(rig) as submitted:
        rig.proxies["redis"].set(mode)
        time.sleep(_OUTAGE_S)
        rig.proxies["redis"].set(Mode.PASS)

    check_invariants(rig, submitted, expected)


def test_postgres_may_be_killed(rig: Rig, expected: Expected) -> None:
    with during_a_cohort(rig) as submitted:
        pid = rig.signal("postgres", signal.SIGKILL)

    rig.await_restart("postgres", pid)
    check_invariants(rig, submitted, expected)


@long
def test_postgres_may_be_out_of_reach(rig: Rig, expected: Expected) -> None:
    with during_a_cohort(rig) as submitted:
        rig.proxies["postgres"].set(Mode.SILENT)
        time.sleep(_OUTAGE_S)
        rig.proxies["postgres"].set(Mode.PASS)

    check_invariants(rig, submitted, expected)


@long
@pytest.mark.parametrize("mode", [Mode.SILENT, Mode.DOWN])
def test_the_object_store_may_be_out_of_reach(rig: Rig, expected: Expected, mode: Mode) -> None:
    with during_a_cohort(rig) as submitted:
        rig.proxies["s3"].set(mode)
        time.sleep(_OUTAGE_S)
        rig.proxies["s3"].set(Mode.PASS)

    check_invariants(rig, submitted, expected)


@pytest.mark.parametrize("mode", [Mode.ERRORS, pytest.param(Mode.CUT, marks=long)])
def test_the_object_store_may_fail_one_request_in_five(rig: Rig, expected: Expected, mode: Mode) -> None:
    before = rig.proxies["s3"].meddled
    rig.proxies["s3"].set(mode)
    submitted = rig.submit()

    check_invariants(rig, submitted, expected)

    assert rig.proxies["s3"].meddled - before > 0.05 * submitted.jobs


@long
def test_a_corrupted_image_fails_its_own_jobs_until_it_is_mended(rig: Rig, expected: Expected) -> None:
    for worker in WORKERS:
        rig.signal(worker, signal.SIGSTOP)
    submitted = rig.submit()
    rig.wait_until(lambda: len(find_images(rig, submitted)) == rig.rois, "all images are stored")
    key = find_images(rig, submitted)["roi030"]
    data = rig.objects.get(key)
    rig.objects.put(key, data[:-1] + bytes([data[-1] ^ 1]), media_type="image/png")
    rig.make_whole()

    check_invariants(rig, submitted, expected, failed=frozenset({"roi030"}))
    failed = list(rig.api.jobs(cohort=submitted.cohort, state=JobState.FAILED))
    rig.objects.put(key, data, media_type="image/png")
    for job in failed:
        rig.api.retry_job(job.id)

    assert [job.error for job in failed] == [f"The object's bytes are not those that were stored: {key}"] * len(
        SEGMENTERS
    )
    check_invariants(rig, submitted, expected)


def find_images(rig: Rig, submitted: Submitted) -> dict[str, str]:
    """The keys of a cohort's stored images, by slide."""
    rows = rig.query(
        """
        SELECT r.slide, i.object_key FROM rois r JOIN cohorts c ON c.id = r.cohort_id
        JOIN images i ON i.sha256 = r.image_sha256 WHERE c.name = %(cohort)s
        """,
        {"cohort": submitted.cohort},
    )
    return {row["slide"]: row["object_key"] for row in rows}
