"""Poison: an ROI that kills its worker, or never ends, fails in the end and saying so, and takes no other along."""

import pytest

from pantile.domain.jobs import JobState
from tests.faults.invariants import Expected, check_invariants
from tests.faults.poison import Poison
from tests.faults.rig import HASTE, Rig

long = pytest.mark.long

_MAX_ATTEMPTS = int(HASTE["PANTILE_MAX_ATTEMPTS"])

_SENTENCES = {
    Poison.CRASHES: "The worker died or went silent each time this was tried alone; the input is not tried again.",
    Poison.DEVOURS_MEMORY: "The memory did not suffice (MemoryError: ) each time this was tried alone; "
    "the input is not tried again.",
    Poison.HANGS: "The work did not end within 30 s each time this was tried alone; the input is not tried again.",
}


@pytest.mark.parametrize(
    "poison",
    [Poison.CRASHES, pytest.param(Poison.DEVOURS_MEMORY, marks=long), pytest.param(Poison.HANGS, marks=long)],
)
def test_a_poisoned_roi_fails_alone_and_saying_so(rig: Rig, expected: Expected, poison: Poison) -> None:
    submitted = rig.submit(poison=[poison], segmenters=["amber"])
    (slide,) = submitted.poisoned

    check_invariants(rig, submitted, expected, failed=frozenset({slide}))

    (failed,) = (job for job in rig.api.jobs(cohort=submitted.cohort) if job.state is JobState.FAILED)
    assert failed.error == _SENTENCES[poison]
    assert failed.charged_attempts == _MAX_ATTEMPTS
    innocent = [job for job in rig.api.jobs(cohort=submitted.cohort) if job.state is JobState.SUCCEEDED]
    assert {job.charged_attempts for job in innocent} == {0}
    assert max(job.attempt for job in innocent) <= failed.attempt


@long
def test_a_cohort_that_mostly_fails_is_paused_and_goes_on_when_resumed(rig: Rig, expected: Expected) -> None:
    rig.register("dross", 0)
    set_encoder(rig, "no-such-encoder")
    submitted = rig.submit(rois=600, segmenters=["dross"])

    paused = rig.await_end(submitted)
    set_encoder(rig, "timm-mobilenetv3_small_minimal_100")
    rig.api.resume(submitted.cohort)
    rig.await_end(submitted)
    failed = list(rig.api.jobs(cohort=submitted.cohort, state=JobState.FAILED))
    for job in failed:
        rig.api.retry_job(job.id)

    assert paused.state == "paused"
    assert paused.pause_reason is not None
    assert "no-such-encoder" in paused.pause_reason
    assert 10 < len(failed) < submitted.jobs
    check_invariants(rig, submitted, expected)


def set_encoder(rig: Rig, name: str) -> None:
    """Makes the card of dross name another encoder."""
    change = "UPDATE segmenters SET card = jsonb_set(card, '{encoder}', to_jsonb(%(name)s::text)) WHERE name = 'dross'"
    rig.execute(change, {"name": name})
