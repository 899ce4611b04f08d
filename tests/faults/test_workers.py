"""Workers die, stop, freeze and meet trouble around their work: each job ends once all the same, and none is blamed."""

import signal

import pytest

from tests.faults.invariants import Expected, check_invariants
from tests.faults.rig import WORKERS, Rig, Submitted

long = pytest.mark.long


def test_an_undisturbed_run_needs_one_attempt_a_job(rig: Rig, expected: Expected) -> None:
    submitted = rig.submit()

    check_invariants(rig, submitted, expected)

    assert len(set(expected.values())) > 0.9 * submitted.jobs
    assert len(rig.attempts(submitted)) == submitted.jobs


@pytest.mark.parametrize(
    "place", [pytest.param("fetch", marks=long), "network", "finish", pytest.param("acknowledge", marks=long)]
)
def test_a_worker_killed_at_any_point_loses_nothing_and_charges_nobody(
    rig: Rig, expected: Expected, place: str
) -> None:
    rig.arm(place, "die", times=2)
    submitted = rig.submit()

    rig.await_sprung(place, times=2)
    check_invariants(rig, submitted, expected)

    outcomes = {attempt["outcome"] for attempt in rig.attempts(submitted)}
    # After its commit a job has lost nothing; the worker's other thread may be in the midst of another.
    assert outcomes - {"lease_ended"} == {"succeeded"}
    assert place == "acknowledge" or "lease_ended" in outcomes
    assert charged(rig, submitted) == []


def test_a_worker_told_to_stop_ends_its_jobs_and_waits_for_no_lease(rig: Rig, expected: Expected) -> None:
    submitted = rig.submit()
    victim = rig.busy_worker()

    pid = rig.signal(victim, signal.SIGTERM)
    rig.await_restart(victim, pid)
    check_invariants(rig, submitted, expected)

    assert {attempt["outcome"] for attempt in rig.attempts(submitted)} <= {"succeeded", "returned"}
    assert charged(rig, submitted) == []


@long
def test_a_worker_told_to_stop_gives_back_what_takes_too_long(rig: Rig, expected: Expected) -> None:
    rig.arm("network", "dawdle")
    submitted = rig.submit()
    (pid,) = rig.await_sprung("network")

    victim = next(name for name in WORKERS if rig.service(name).identity.pid == pid)
    rig.signal(victim, signal.SIGTERM)
    rig.await_restart(victim, pid)
    check_invariants(rig, submitted, expected)

    given_back = [attempt["error"] for attempt in rig.attempts(submitted) if attempt["outcome"] != "succeeded"]
    assert given_back
    assert set(given_back) == {"the worker was told to stop"}


def test_what_a_frozen_worker_finishes_too_late_is_refused(rig: Rig, expected: Expected) -> None:
    rig.arm("finish", "freeze")
    submitted = rig.submit()
    (pid,) = rig.await_sprung("finish")
    frozen = next(name for name in WORKERS if rig.service(name).identity.pid == pid)
    rig.wait_until(
        lambda: not rig.query("SELECT 1 FROM jobs WHERE lease_owner LIKE %(held)s", {"held": f"segment-{pid}-%"}),
        "the frozen worker's leases have ended",
    )

    rig.signal(frozen, signal.SIGCONT)
    check_invariants(rig, submitted, expected)

    assert "lease_ended" in {attempt["outcome"] for attempt in rig.attempts(submitted)}
    rig.wait_until(lambda: "held=False" in rig.stack.state.log(frozen).read_text(), "the late finish was refused")


@long
def test_a_worker_whose_clock_is_five_minutes_ahead_harms_nobody(rig: Rig, expected: Expected) -> None:
    (rig.traps / "clocks" / WORKERS[0]).write_text("300")
    rig.await_restart(WORKERS[0], rig.signal(WORKERS[0], signal.SIGKILL))
    submitted = rig.submit()

    check_invariants(rig, submitted, expected)

    workers = {attempt["worker"].split("-")[1] for attempt in rig.attempts(submitted)}
    assert str(rig.service(WORKERS[0]).identity.pid) in workers
    assert {attempt["outcome"] for attempt in rig.attempts(submitted)} == {"succeeded"}
    (rig.traps / "clocks" / WORKERS[0]).unlink()
    rig.await_restart(WORKERS[0], rig.signal(WORKERS[0], signal.SIGTERM))


@long
def test_a_full_disk_is_not_the_jobs_fault(rig: Rig, expected: Expected) -> None:
    rig.await_restart(WORKERS[0], rig.signal(WORKERS[0], signal.SIGTERM))
    rig.arm("checkpoint", "disk", times=6)

    submitted = rig.submit()
    rig.await_sprung("checkpoint", times=6)
    check_invariants(rig, submitted, expected)

    given_back = {attempt["error"] for attempt in rig.attempts(submitted) if attempt["outcome"] == "returned"}
    assert given_back == {"OSError: [Errno 28] No space left on device"}
    assert charged(rig, submitted) == []


def charged(rig: Rig, submitted: Submitted) -> list[int]:
    """The jobs of a cohort that an attempt was charged to."""
    return [job.id for job in rig.api.jobs(cohort=submitted.cohort) if job.charged_attempts]
