"""Class maps as they lie in the bucket are compared with ground truth, and again only where something changed."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from pantile.catalog import evaluations, jobs, outbox
from pantile.catalog.database import Database, Row
from pantile.catalog.holdings import incoming_key
from pantile.catalog.jobs import ClassMapRow, JobFilter
from pantile.class_map_files import encode_class_map
from pantile.coordinator.ground_truths import TruthFile, take_ground_truths
from pantile.coordinator.reconcile import reconcile
from pantile.coordinator.submit import Submission
from pantile.domain.class_maps import ClassMap, PaletteName
from pantile.domain.dice import DiceProtocol, Target
from pantile.domain.ground_truth import TruthClass, TruthScheme, study_scheme
from pantile.domain.messages import EvaluateRoi, IngestRoi
from pantile.domain.segmenters import Card, card_from
from pantile.domain.study_dice import DETAILED_COLUMNS
from pantile.objects import ObjectStore, sha256_of
from pantile.queue import Sender
from pantile.web.evaluation_answers import detailed_table, long_table, wide_table
from pantile_workers.chores import ingest_roi
from pantile_workers.evaluating import evaluate_roi
from pantile_workers.leasing import NotDone
from pantile_workers.runtime import Runtime

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]
Register = Callable[..., None]
Jpeg = Callable[[int], bytes]

HEIGHT, WIDTH = 80, 100


@pytest.fixture
def work(database: Database, runtime: Runtime) -> Work:
    """Does the evaluations that are due, and no jobs; gives what each said."""

    def work() -> list[str]:
        with database.transaction() as connection:
            due = outbox.due_chores(connection, limit=100)
        return [_say(runtime, message) for message in due if isinstance(message, EvaluateRoi)]

    return work


def _say(runtime: Runtime, message: EvaluateRoi) -> str:
    try:
        return evaluate_roi(runtime, message)
    except NotDone as error:
        return str(error)


def _halves(left: int, right: int) -> ClassMap:
    class_map = np.full((HEIGHT, WIDTH), left, dtype=np.uint8)
    class_map[:, WIDTH // 2 :] = right
    return class_map


TRUTH = _halves(1, 0)


@pytest.fixture
def ingested(database: Database, runtime: Runtime, register: Register, submit: Submit, jpeg: Jpeg) -> Submission:
    """An ROI of 400 x 320 px at 0.25 mpp that two segmenters wait to segment."""
    register("breast", "lung")
    submission = submit({"a.jpg": jpeg(0)})
    with database.transaction() as connection:
        (chore,) = connection.execute("SELECT id FROM chores").fetchall()
    ingest_roi(runtime, IngestRoi(chore_id=chore["id"]))
    return submission


def _finish(database: Database, objects: ObjectStore, number: int, class_map: ClassMap) -> None:
    """Ends the job of that place with this class map, which covers the ROI, as a worker would."""
    with database.transaction() as connection:
        listed = jobs.list_jobs(connection, JobFilter())
        job = jobs.get_job(connection, listed[number]["id"])
        palette = card_from(job["card"]).scheme.palette(PaletteName.SIMPLIFIED)
        data = encode_class_map(class_map, palette)
        stored = objects.put_named("class-maps", data, suffix=".png", media_type="image/png")
        row = ClassMapRow(
            object_key=stored.key,
            sha256=stored.sha256,
            bytes=stored.bytes,
            width_px=class_map.shape[1],
            height_px=class_map.shape[0],
            map_mpp=1.0,
            extent_width_px=400.0,
            extent_height_px=320.0,
            class_pixels=[0, 0],
            provenance={},
        )
        claim = jobs.claim_jobs(connection, job["id"], worker="w", token=uuid4(), lease_s=60, siblings=0)
        assert jobs.finish_job(connection, claim.jobs[0].lease, row, timings={})


def _add(
    database: Database,
    objects: ObjectStore,
    class_map: ClassMap,
    *,
    scheme: TruthScheme | None = None,
    replace: bool = False,
    data: bytes | None = None,
) -> None:
    if data is None:
        file = BytesIO()
        Image.fromarray(class_map).save(file, "PNG")
        data = file.getvalue()
    digest = sha256_of(data)
    objects.put(incoming_key(digest), data, media_type="image/png")
    take_ground_truths(
        database,
        objects,
        "C",
        [TruthFile(name="a_tumor.png", sha256=digest)],
        scheme or study_scheme(),
        replace=replace,
        max_megapixels=1,
        actor="test",
    )


def _evaluations(database: Database, submission: Submission) -> list[Row]:
    with database.transaction() as connection:
        return evaluations.list_evaluations(connection, submission.cohort_id)


def _overall(rows: Sequence[Row], protocol: DiceProtocol) -> dict[str, float]:
    return {row["segmenter"]: row["protocols"][protocol]["overall"] for row in rows}


def test_class_maps_are_evaluated_under_both_protocols(
    database: Database, objects: ObjectStore, ingested: Submission, work: Work
) -> None:
    _finish(database, objects, 0, _halves(1, 0))
    _finish(database, objects, 1, _halves(1, 1))

    _add(database, objects, TRUTH)
    said = work()

    assert said == ["2 class maps evaluated"]
    rows = _evaluations(database, ingested)
    assert _overall(rows, DiceProtocol.ARTICLE) == {"breast": 1.0, "lung": 1.0}
    assert _overall(rows, DiceProtocol.PUBLISHED_CODE) == {"breast": 1.0, "lung": pytest.approx(2 / 3)}
    figures = rows[1]["protocols"]["published-code"]
    tumor = figures["classes"][0]
    assert figures["confusion"] == [[0, 4000, 0], [0, 4000, 0], [0, 0, 0]]
    assert tumor["iou"] == 0.5
    assert tumor["predicted_pixels"] * figures["pixel_mm2"] == pytest.approx(8000 * 1e-6)
    assert tumor["hausdorff_95_um"] == pytest.approx(50, abs=2)
    assert (figures["scheme"], figures["truth_remap"]) == ("protocol", {"0": 0, "1": 1, "2": 2})
    assert (figures["remap_origin"], figures["predicted_remap"]) == ("groups", {"0": 0, "1": 1})


def test_only_what_changed_is_evaluated_again(
    database: Database, objects: ObjectStore, sender: Sender, ingested: Submission, work: Work
) -> None:
    _finish(database, objects, 0, _halves(1, 0))
    _add(database, objects, TRUTH)
    first = work()
    reconcile(database, sender, stale_s=60)
    nothing = work()

    _finish(database, objects, 1, _halves(0, 1))
    reconcile(database, sender, stale_s=60)
    second = work()
    _add(database, objects, _halves(1, 2), replace=True)
    third = work()

    assert first == ["1 class maps evaluated"]
    assert nothing == []
    assert second == ["1 class maps evaluated"]
    assert third == ["2 class maps evaluated"]


def test_a_card_with_another_remap_is_evaluated_anew(
    database: Database, objects: ObjectStore, sender: Sender, ingested: Submission, work: Work, tiny_card: Card
) -> None:
    _finish(database, objects, 0, _halves(1, 0))
    _finish(database, objects, 1, _halves(1, 0))
    _add(database, objects, TRUTH)
    work()

    with database.transaction() as connection:
        connection.execute(
            """UPDATE segmenters SET card = jsonb_set(card, '{dice_remaps}', '{"article": {"*": {"0": 1, "1": 0}}}')
            WHERE name = 'lung'"""
        )
    reconcile(database, sender, stale_s=60)

    assert work() == ["1 class maps evaluated"]
    assert _overall(_evaluations(database, ingested), DiceProtocol.ARTICLE) == {"breast": 1.0, "lung": 0.0}
    with database.transaction() as connection:
        totals = evaluations.total_evaluations(connection, ingested.cohort_id)
    article = [row for row in totals if row["protocol"] == "article"]
    assert [(row["segmenter"], row["n"], row["mean"], row["is_stated"]) for row in article] == [
        ("breast", 1, 1.0, False),
        ("lung", 1, 0.0, True),
        (None, 2, 0.5, False),
        (None, 1, 0.0, True),
    ]


def test_ignored_pixels_take_no_part(
    database: Database, objects: ObjectStore, ingested: Submission, work: Work
) -> None:
    targets = {1: Target.TUMOR, 0: Target.BACKGROUND, 7: Target.IGNORED}
    scheme = TruthScheme(
        name="legend.csv",
        classes=tuple(
            TruthClass(index=index, name="x", targets=dict.fromkeys(DiceProtocol, target))
            for index, target in targets.items()
        ),
    )
    _finish(database, objects, 0, _halves(1, 1))

    _add(database, objects, _halves(1, 7), scheme=scheme)
    work()

    (row,) = [row for row in _evaluations(database, ingested) if row["segmenter"] == "breast"]
    figures = row["protocols"]["published-code"]
    assert (figures["overall"], figures["known_pixels"]) == (1.0, HEIGHT * WIDTH // 2)
    assert figures["classes"][0]["surface_dice"] == 1.0


@pytest.mark.parametrize("kind", ["damaged", "index beyond its scheme"])
def test_ground_truth_that_cannot_be_used_fails_with_its_sentence_until_it_is_replaced(
    database: Database, objects: ObjectStore, sender: Sender, ingested: Submission, work: Work, kind: str
) -> None:
    _finish(database, objects, 0, _halves(1, 0))
    file = BytesIO()
    Image.fromarray(TRUTH).save(file, "PNG")
    closed = replace(study_scheme(), is_open=False)
    if kind == "damaged":
        _add(database, objects, TRUTH, data=file.getvalue()[:80])
    else:
        _add(database, objects, _halves(1, 9), scheme=closed)

    said = work()
    reconcile(database, sender, stale_s=60)
    again = work()
    with database.transaction() as connection:
        counts = evaluations.count_evaluated(connection, ingested.cohort_id)
    _add(database, objects, TRUTH, replace=True)
    mended = work()

    (sentence,) = said
    assert "The ground truth cannot be used: a_tumor.png, " in sentence
    assert again == []
    assert (counts["failed"], counts["under_way"], counts["error"]) == (
        1,
        0,
        sentence.removeprefix(f"{NotDone()}: ".replace(".:", ":")),
    )
    assert mended == ["1 class maps evaluated"]


def test_ground_truth_that_was_removed_leaves_nothing_behind(
    database: Database, objects: ObjectStore, ingested: Submission, work: Work
) -> None:
    _finish(database, objects, 0, _halves(1, 0))
    _add(database, objects, TRUTH)
    with database.transaction() as connection:
        connection.execute("DELETE FROM ground_truths")

    assert work() == ["nothing to evaluate"]
    assert _evaluations(database, ingested) == []


def test_tables_have_the_columns_of_the_study_and_one_column_a_segmenter(
    database: Database, objects: ObjectStore, ingested: Submission, work: Work
) -> None:
    _finish(database, objects, 0, _halves(1, 0))
    _finish(database, objects, 1, _halves(1, 1))
    _add(database, objects, TRUTH)
    work()
    rows = _evaluations(database, ingested)

    detailed = detailed_table(rows[1:], DiceProtocol.PUBLISHED_CODE, cohort="C", names_segmenter=False)
    wide = wide_table(rows, DiceProtocol.PUBLISHED_CODE, cohort="C")
    long = long_table(rows, cohort="C")

    assert detailed.splitlines()[0] == (
        "Slide,ROI,Overall_DICE,Non_Background_Percentage,DICE_Tumor,GT_Percent_Tumor,Pred_Percent_Tumor,"
        "DICE_Tumor_Stroma,GT_Percent_Tumor_Stroma,Pred_Percent_Tumor_Stroma"
    )
    (only,) = csv.DictReader(detailed.splitlines())
    assert [float(only[name]) for name in DETAILED_COLUMNS[1:]] == pytest.approx(
        [1, 2 / 3, 50, 2 / 3, 50, 100, 1, 0, 0], rel=1e-8
    )
    (roi,) = csv.DictReader(wide.splitlines())
    assert (roi["roi"], roi["breast_dice"]) == ("a_tumor", "1")
    assert float(roi["lung_dice"]) == pytest.approx(2 / 3)
    assert len(long.splitlines()) == 1 + 2 * 2 * 2


def test_progress_counts_jobs_with_dice_and_those_that_wait(
    database: Database, objects: ObjectStore, ingested: Submission, work: Work
) -> None:
    def count() -> Row:
        with database.transaction() as connection:
            return evaluations.count_evaluated_jobs(connection, ingested.cohort_id)

    _finish(database, objects, 0, _halves(1, 0))
    without = count()
    _add(database, objects, TRUTH)
    waiting = count()
    work()
    done = count()
    _finish(database, objects, 1, _halves(0, 1))

    assert without == {"evaluated": 0, "waiting": 0, "failed": 0}
    assert waiting == {"evaluated": 0, "waiting": 1, "failed": 0}
    assert done == {"evaluated": 1, "waiting": 0, "failed": 0}
    assert count() == {"evaluated": 1, "waiting": 1, "failed": 0}
