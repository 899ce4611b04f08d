"""Messages come twice, or cannot be understood; they are hints, and no job depends on any one of them."""

import base64
import json

import pytest

from pantile.domain.messages import SegmentRoi
from pantile.queue import KEY_PREFIX
from tests.faults.invariants import Expected, check_invariants
from tests.faults.rig import Rig, Submitted


def test_every_message_delivered_three_times_at_once_does_each_job_once(rig: Rig, expected: Expected) -> None:
    submitted = rig.submit()
    rig.await_share(submitted, 0.1)

    messages = [SegmentRoi(job_id=job_id) for job_id in waiting_jobs(rig, submitted)]
    rig.sender.send([message for message in messages for _ in range(2)])
    check_invariants(rig, submitted, expected)

    assert messages
    assert {attempt["outcome"] for attempt in rig.attempts(submitted)} == {"succeeded"}


@pytest.mark.parametrize(
    "kind",
    [pytest.param("no JSON", marks=pytest.mark.long), "no task", "another version", "another shape", "no such job"],
)
def test_a_message_that_no_worker_understands_holds_nothing_up(rig: Rig, expected: Expected, kind: str) -> None:
    submitted = rig.submit(rois=20)
    rig.await_share(submitted, 0.1)

    for _ in range(3):
        send_nonsense(rig, kind)
    check_invariants(rig, submitted, expected)

    rig.wait_until(lambda: not rig.redis.llen(f"{KEY_PREFIX}segment.bulk"), "the queue is empty")


def send_nonsense(rig: Rig, kind: str) -> None:
    """Puts a message of that kind before those that wait."""
    queue = f"{KEY_PREFIX}segment.bulk"
    if kind == "no JSON":
        rig.redis.rpush(queue, b"\x80\x04K\x01.")
        return
    unknown = [SegmentRoi(job_id=2**40)]
    rig.sender.send(unknown)
    if kind == "no such job":
        return
    # A worker may have been quicker.
    while (waiting := rig.redis.lpop(queue)) is None:
        rig.sender.send(unknown)
    message = json.loads(waiting)  # type: ignore[arg-type]  # redis types every answer as awaitable, too
    kwargs = {"another version": {"v": 99, "job_id": 1}, "another shape": {"v": 1, "roi": 7}}.get(kind, {})
    if kind == "no task":
        message["headers"]["task"] = "no-such-task"
    message["body"] = base64.b64encode(json.dumps([[], kwargs, {}]).encode()).decode()
    rig.redis.rpush(queue, json.dumps(message))


def waiting_jobs(rig: Rig, submitted: Submitted) -> list[int]:
    """A cohort's waiting jobs."""
    rows = rig.query(
        """
        SELECT j.id FROM jobs j JOIN cohort_jobs cj ON cj.job_id = j.id JOIN cohorts c ON c.id = cj.cohort_id
        WHERE c.name = %(cohort)s AND j.state = 'waiting' ORDER BY j.id
        """,
        {"cohort": submitted.cohort},
    )
    return [row["id"] for row in rows]
