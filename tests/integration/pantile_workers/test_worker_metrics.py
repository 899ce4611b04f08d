"""A worker counts what it stores, how long each stage took, and why work was not done."""

from collections.abc import Callable

from pantile.catalog.database import Database
from pantile.coordinator.submit import Submission
from pantile.metrics import WORKER
from pantile_workers.gpus import read_gpu
from pantile_workers.measuring import measure_worker
from pantile_workers.runtime import Runtime
from tests.shown_metrics import shown

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]
Register = Callable[..., None]
Jpeg = Callable[[int], bytes]

STAGES = ("fetch", "decode", "waiting", "preparing", "network", "stitching", "encode", "upload")


def stages() -> dict[str, float]:
    return {stage: shown("pantile_stage_seconds_count", stage=stage) for stage in STAGES}


def test_one_decode_serves_an_rois_segmenters_and_each_stage_is_timed(
    register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("breast", "colon", "lung")
    submit({"a.jpg": jpeg(0)})
    names = ("pantile_rois_fetched_total", "pantile_rois_decoded_total", "pantile_rois_reused_total")
    before, timed = [shown(name) for name in names], stages()
    done, patches = (shown(f"pantile_{name}_total", segmenter="lung") for name in ("jobs_done", "patches"))

    work()

    assert [shown(name) - was for name, was in zip(names, before, strict=True)] == [1, 1, 2]
    assert {stage: count - timed[stage] for stage, count in stages().items()} == {
        stage: 1 if stage in {"fetch", "decode"} else 3 for stage in STAGES
    }
    assert shown("pantile_jobs_done_total", segmenter="lung") == done + 1
    assert shown("pantile_patches_total", segmenter="lung") > patches


def test_work_that_is_not_done_tells_what_kind_of_error_it_was(
    database: Database, register: Register, submit: Submit, work: Work, jpeg: Jpeg
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)})
    work()
    reason = {"work": "job", "outcome": "given back, charged", "reason": "ObjectMissing"}
    before = shown("pantile_not_done_total", **reason)
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'waiting', published_at = NULL, not_before = now()")
        connection.execute("UPDATE images SET object_key = 'rois/gone'")

    work()

    assert shown("pantile_not_done_total", **reason) == before + 1


def test_requests_to_the_servers_are_timed(register: Register, submit: Submit, work: Work, jpeg: Jpeg) -> None:
    counts = [("pantile_s3_seconds_count", {"operation": "get"}), ("pantile_sql_seconds_count", {})]
    before = [shown(name, **labels) for name, labels in counts]
    register("lung")
    submit({"a.jpg": jpeg(0)})

    work()

    assert all(shown(name, **labels) > was for (name, labels), was in zip(counts, before, strict=True))


def test_a_worker_tells_what_it_holds_when_it_is_asked(runtime: Runtime) -> None:
    values = {measure.name: found for measure, found in measure_worker(runtime).items()}

    assert values["pantile_leases_held"] == {(): 0.0}
    assert values["pantile_longest_work_seconds"][()] >= 0.0
    assert {family.name for family in WORKER.describe()} >= values.keys()


def test_a_gpu_that_is_not_there_tells_nothing() -> None:
    assert read_gpu("") is None
    assert read_gpu("00000000-0000-0000-0000-000000000000") is None
