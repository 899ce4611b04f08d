"""What must hold after every fault: each job ended once, with the right class map or for a fault of its own."""

from collections import Counter
from collections.abc import Mapping

from pantile.coordinator.sweep import sweep
from pantile.objects import sha256_of
from tests.faults.rig import Rig, Submitted

Expected = Mapping[tuple[str, str], str]
"""The SHA-256 of each class map by slide and segmenter, as an undisturbed run made it."""

_JOBS = """
    SELECT j.id, j.state, j.attempt, j.error, r.slide, s.name AS segmenter, m.object_key, m.sha256, m.bytes
    FROM cohorts c
    JOIN cohort_jobs cj ON cj.cohort_id = c.id JOIN rois r ON r.id = cj.roi_id
    JOIN jobs j ON j.id = cj.job_id JOIN segmenters s ON s.id = j.segmenter_id
    LEFT JOIN class_maps m ON m.job_id = j.id
    WHERE c.name = %(cohort)s ORDER BY j.id
"""


def check_invariants(
    rig: Rig, submitted: Submitted, expected: Expected, *, failed: frozenset[str] = frozenset()
) -> None:
    """Waits for a cohort's end, and asserts all of it; `failed` are the slides whose jobs have to fail."""
    standing = rig.await_end(submitted)
    rows = rig.query(_JOBS, {"cohort": submitted.cohort})

    assert len(rows) == len({row["id"] for row in rows}) == submitted.jobs, "one job for each ROI and segmenter"
    assert {row["slide"] for row in rows if row["state"] == "failed"} == failed, [row["error"] for row in rows]
    assert {row["state"] for row in rows if row["slide"] not in failed} == {"succeeded"}
    counted = Counter(row["state"] for row in rows)
    assert {state: jobs for state, jobs in standing.jobs.items() if jobs} == counted, "the API counts as the tables do"
    _check_attempts(rig, submitted)
    _check_objects(rig, rows, expected)
    _check_leases(rig)
    _check_sweep(rig)


def _check_attempts(rig: Rig, submitted: Submitted) -> None:
    jobs = {row["id"]: row for row in rig.query(_JOBS, {"cohort": submitted.cohort})}
    attempts: dict[int, list[str]] = {job_id: [] for job_id in jobs}
    for number, attempt in enumerate(rig.attempts(submitted)):
        outcomes = attempts[attempt["job_id"]]
        outcomes.append(attempt["outcome"])
        assert attempt["attempt"] == len(outcomes), f"attempts have no gap: {number}"
        assert attempt["ended_at"] is not None, "every attempt has its end"
    for job_id, outcomes in attempts.items():
        assert len(outcomes) == jobs[job_id]["attempt"], "every attempt is recorded"
        succeeded = outcomes.count("succeeded")
        assert succeeded == (jobs[job_id]["state"] == "succeeded"), "an attempt succeeded, once, if the job did"
        assert "succeeded" not in outcomes[:-1], "nothing is tried after it succeeded"


def _check_objects(rig: Rig, rows: list[dict[str, object]], expected: Expected) -> None:
    for row in rows:
        if row["state"] != "succeeded":
            assert row["sha256"] is None
            continue
        data = rig.objects.get(str(row["object_key"]))
        assert len(data) == row["bytes"]
        assert sha256_of(data) == row["sha256"], "the object's digest is the stored one"
        known = expected.get((str(row["slide"]), str(row["segmenter"])), row["sha256"])
        assert row["sha256"] == known, "the class map is that of an undisturbed run"


def _check_leases(rig: Rig) -> None:
    for table in ("jobs", "chores"):
        held = rig.query(f"SELECT id, state FROM {table} WHERE lease_token IS NOT NULL OR state = 'running'")  # noqa: S608
        assert held == [], "nothing holds a lease at the end"


def _check_sweep(rig: Rig) -> None:
    # From a minute ahead everything is old enough, and what is set aside may be removed at once.
    sweep(rig.database, rig.objects, age_s=-60)
    named = {row["key"] for row in rig.query(
        """
        SELECT object_key AS key FROM images WHERE object_key IS NOT NULL UNION SELECT object_key FROM class_maps
        UNION SELECT checkpoint_key FROM segmenters
        """
    )}  # fmt: skip
    assert set(rig.objects.keys()) == named, "no object is without a row, and no row without an object"
