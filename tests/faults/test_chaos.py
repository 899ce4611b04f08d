"""Chaos: all kinds of faults at random for two minutes, while cohorts run; SEED repeats the choice of faults."""

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from pantile.domain.jobs import JobState
from pantile.domain.messages import SegmentRoi
from tests.faults.invariants import Expected, check_invariants
from tests.faults.proxies import Mode
from tests.faults.rig import WORKERS, Rig, Submitted

_CHAOS_S = 120.0

Fault = Callable[[Rig, random.Random], None]


def kill_a_worker(rig: Rig, choice: random.Random) -> None:
    rig.signal(choice.choice(WORKERS), signal.SIGKILL)


def kill_a_worker_at_a_place(rig: Rig, choice: random.Random) -> None:
    rig.arm(choice.choice(("fetch", "network", "finish", "acknowledge")), "die")


def stop_a_worker(rig: Rig, choice: random.Random) -> None:
    rig.signal(choice.choice((*WORKERS, "imaging")), signal.SIGTERM)


def freeze_a_worker(rig: Rig, choice: random.Random) -> None:
    victim = choice.choice((*WORKERS, "imaging"))
    rig.signal(victim, signal.SIGSTOP)
    time.sleep(choice.uniform(1, 10))
    rig.signal(victim, signal.SIGCONT)


def kill_the_coordinator(rig: Rig, choice: random.Random) -> None:
    rig.signal("coordinator", signal.SIGKILL)


def kill_redis(rig: Rig, choice: random.Random) -> None:
    rig.await_restart("redis", rig.signal("redis", signal.SIGKILL))


def empty_redis(rig: Rig, choice: random.Random) -> None:
    rig.redis.flushall()


def kill_postgres(rig: Rig, choice: random.Random) -> None:
    rig.await_restart("postgres", rig.signal("postgres", signal.SIGKILL))


def repeat_messages(rig: Rig, choice: random.Random) -> None:
    rows = rig.query("SELECT id FROM jobs WHERE state IN ('waiting', 'running')")
    rig.sender.send([SegmentRoi(job_id=row["id"]) for row in rows])


def meddle_with(server: str, mode: Mode) -> Fault:
    def meddle(rig: Rig, choice: random.Random) -> None:
        rig.proxies[server].set(mode)
        time.sleep(choice.uniform(2, 8))
        rig.proxies[server].set(Mode.PASS)

    meddle.__name__ = f"{mode}_{server}"
    return meddle


FAULTS: tuple[Fault, ...] = (
    kill_a_worker,
    kill_a_worker_at_a_place,
    stop_a_worker,
    freeze_a_worker,
    kill_the_coordinator,
    kill_redis,
    empty_redis,
    kill_postgres,
    repeat_messages,
    *(meddle_with("s3", mode) for mode in (Mode.DOWN, Mode.SILENT, Mode.ERRORS, Mode.CUT)),
    *(meddle_with(server, mode) for server in ("redis", "postgres") for mode in (Mode.DOWN, Mode.SILENT)),
)


@pytest.mark.long
def test_two_minutes_of_chaos_lose_nothing(rig: Rig, expected: Expected, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("SEED") or 1)
    choice = random.Random(seed)
    submitted: list[Submitted] = []
    with capsys.disabled():
        print(f"\nSEED={seed}:", end="", flush=True)  # noqa: T201 — so that it can be repeated

    ends_at = time.monotonic() + _CHAOS_S
    while time.monotonic() < ends_at:
        if not submitted or is_half_done(rig, submitted[-1]):
            submitted.append(rig.submit())
        fault = choice.choice(FAULTS)
        with capsys.disabled():
            print(f" {fault.__name__}", end="", flush=True)  # noqa: T201 — as above
        fault(rig, choice)
        time.sleep(choice.uniform(0, 4))
    rig.make_whole()

    for cohort in submitted:
        rig.await_end(cohort)
    for cohort in submitted:
        check_invariants(rig, cohort, expected)


def is_half_done(rig: Rig, submitted: Submitted) -> bool:
    """Whether half of a cohort's jobs have ended."""
    standing = rig.standing(submitted)
    return standing is not None and standing.jobs[JobState.SUCCEEDED] >= submitted.jobs / 2
