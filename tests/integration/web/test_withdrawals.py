"""What is withdrawn loses its objects at once, keeps its rows, and is neither shown nor scored nor taken in again."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from pantile.catalog import jobs, leases, outbox, slides, withdrawals
from pantile.catalog.chores import claim_chore
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.holdings import FOLDERS, incoming_key
from pantile.catalog.rois import ImageRow, keep_image
from pantile.catalog.score_events import verify_study
from pantile.catalog.slides import NewSlide
from pantile.coordinator.sweep import sweep
from pantile.coordinator.withdrawals import withdraw
from pantile.domain.access import Scope
from pantile.domain.errors import CaseWithdrawn
from pantile.domain.jobs import EVALUATE_CHORES
from pantile.objects import ObjectStore
from pantile.settings import Settings
from tests.integration.web.scoring import OpenBrowser, put_score, read_case
from tests.study_fixture import ROIS, SmallStudy, make_study, sign_in

MakeCohort = Callable[..., Cohort]
MakeToken = Callable[..., str]

OF_CASES = {
    ("images", "object_key"),
    ("class_maps", "object_key"),
    ("class_maps", "confidence_key"),
    ("overlays", "object_key"),
    ("ground_truths", "object_key"),
    ("pyramids", "object_key"),
    ("slides", "overview_key"),
    ("slides", "tissue_key"),
    ("slide_pyramids", "object_key"),
    ("reports", "page_key"),
    ("reports", "archive_key"),
}
"""The columns that name what shows a case's tissue. Segmenters and trainings are made of many cases."""

CASE = "slide0"
"""What `make_cohort` calls the case of its first image."""


def _withdraw(client: TestClient, name: str, **more: Any) -> Any:
    answer = client.post("/v1/withdrawals", json={"name": name, "reason": "consent withdrawn", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _fill(connection: Connection, objects: ObjectStore, *, rois: int = 1) -> None:
    """Gives the first ROIs of a cohort all the objects that an ROI can have, and their slide an overview."""
    connection.execute(
        """
        INSERT INTO class_maps (job_id, object_key, sha256, bytes, width_px, height_px, map_mpp, extent_width_px,
                                extent_height_px, class_pixels, provenance, confidence_key, confidence_sha256,
                                confidence_bytes, mean_confidence)
        SELECT j.id, 'class-maps/' || j.id, 'x', 1, 9, 9, 1, 9, 9, '{40,41}', '{}', 'confidence/' || j.id, 'x', 1, 0.5
        FROM jobs j JOIN cohort_jobs cj ON cj.job_id = j.id WHERE cj.roi_id <= %s ON CONFLICT DO NOTHING
        """,
        [rois],
    )
    connection.execute("UPDATE jobs SET state = 'succeeded' WHERE id IN (SELECT job_id FROM class_maps)")
    connection.execute(
        """
        INSERT INTO overlays (job_id, object_key, sha256, bytes)
        SELECT job_id, 'overlays/' || job_id, 'x', 1 FROM class_maps
        """
    )
    connection.execute(
        """
        INSERT INTO pyramids (image_sha256, object_key, sha256, bytes, tile_px, overlap_px, width_px, height_px, levels)
        SELECT DISTINCT image_sha256, 'pyramids/' || min(id), 'x', 1, 510, 1, 9, 9, 4 FROM rois WHERE id <= %s
        GROUP BY image_sha256
        """,
        [rois],
    )
    connection.execute(
        """
        INSERT INTO ground_truths (roi_id, file, object_key, sha256, bytes, width_px, height_px, extent_width_px,
                                   extent_height_px, scheme, added_by)
        SELECT id, 'a.png', 'ground-truth/' || id, 'x', 1, 9, 9, 9, 9, '{}', 'test' FROM rois WHERE id <= %s
        """,
        [rois],
    )
    connection.execute(
        """
        INSERT INTO slides (cohort_id, name, case_id, source, state, mpp, width_px, overview_key, tissue_key)
        SELECT cohort_id, slide, case_id, '/slides/a.svs', 'ready', 0.25, 9, 'overviews/' || id, 'overviews/tissue'
        FROM rois WHERE id = 1
        """
    )
    connection.execute(
        """
        INSERT INTO slide_pyramids (slide_id, object_key, sha256, bytes, tile_px, overlap_px, width_px, height_px,
                                    levels, downsample)
        SELECT id, 'pyramids/slide', 'x', 1, 510, 1, 9, 9, 4, 1 FROM slides
        """
    )
    named = connection.execute(
        " UNION ".join(f"SELECT {column} AS key FROM {table}" for table, column in sorted(OF_CASES))  # noqa: S608
    ).fetchall()
    for row in named:
        if row["key"] is not None:
            objects.put(row["key"], b"x", media_type="image/png")


def test_every_column_that_names_what_shows_a_case_is_looked_after() -> None:
    assert set(FOLDERS) - OF_CASES == {
        ("segmenters", "checkpoint_key"),
        ("trainings", "state_key"),
        ("trainings", "best_key"),
    }


def test_all_objects_of_a_case_go_at_once_and_its_rows_stay(
    client: TestClient, database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=2)
    with database.transaction() as connection:
        _fill(connection, objects, rois=2)
    kept = {
        "rois/1",
        "pyramids/2",
        "ground-truth/2",
        *(f"{folder}/{job}" for folder in ("class-maps", "confidence", "overlays") for job in (3, 4)),
    }
    assert len(list(objects.keys())) == 2 * len(kept) + 3

    told = _withdraw(client, CASE)

    assert told["cohorts"] == [cohort.name]
    assert (told["slides"], told["rois"]) == (1, 1)
    assert told["objects"] == {
        "rois": 1,
        "class-maps": 2,
        "confidence": 2,
        "overlays": 2,
        "ground-truth": 1,
        "pyramids": 2,
        "overviews": 2,
    }
    assert (told["objects_spared"], told["objects_left"]) == (0, 0)
    assert set(objects.keys()) == kept
    with database.transaction() as connection:
        (roi,) = connection.execute("SELECT * FROM rois WHERE state = 'withdrawn'").fetchall()
        (slide,) = connection.execute("SELECT * FROM slides").fetchall()
        figures = connection.execute("SELECT class_pixels FROM class_maps WHERE object_key IS NULL").fetchall()
    assert (roi["case_id"], roi["error"]) == (CASE, "The case was withdrawn.")
    assert (slide["state"], slide["overview_key"]) == ("withdrawn", None)
    assert [row["class_pixels"] for row in figures] == [[40, 41], [40, 41]]
    line = client.get("/v1/audit", params={"limit": 1}).json()["actions"][0]
    assert (line["action"], line["subject"], line["details"]["reason"]) == ("withdraw", CASE, "consent withdrawn")
    results = client.get(f"/v1/cohorts/{cohort.name}/results").json()["results"]
    assert {result["roi"] for result in results} == {"slide1_tumor"}
    assert client.get(f"/v1/cohorts/{cohort.name}").json()["rois"]["withdrawn"] == 1


def test_a_dry_run_tells_the_same_and_changes_nothing(
    client: TestClient, database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    make_cohort(images=2)
    with database.transaction() as connection:
        _fill(connection, objects)
    before = set(objects.keys())
    lines = len(client.get("/v1/audit").json()["actions"])

    planned = _withdraw(client, CASE, dry_run=True)

    assert set(objects.keys()) == before
    assert len(client.get("/v1/audit").json()["actions"]) == lines
    assert {**_withdraw(client, CASE), "dry_run": True} == planned


def test_what_somebody_else_names_stays(
    client: TestClient, database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort("TCGA-BRCA", images=1)
    make_cohort("TCGA-LUAD", images=1)
    with database.transaction() as connection:
        _fill(connection, objects, rois=1)

    told = _withdraw(client, CASE, cohort=cohort.name)

    assert told["cohorts"] == [cohort.name]
    assert told["objects"] == {"ground-truth": 1, "overviews": 2, "pyramids": 1}
    assert "rois/0" in set(objects.keys())
    assert len(client.get("/v1/cohorts/TCGA-LUAD/results").json()["results"]) == 2
    assert client.get(f"/v1/cohorts/{cohort.name}/results").json()["results"] == []

    assert _withdraw(client, CASE)["objects"]["rois"] == 1
    assert list(objects.keys()) == []


def test_open_work_ends_and_a_worker_that_comes_late_changes_nothing(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=2)
    with database.transaction() as connection:
        claim = jobs.claim_jobs(connection, 1, worker="w", token=uuid4(), lease_s=60, siblings=0)

    told = _withdraw(client, CASE)

    assert told["jobs_ended"] == 2
    row = jobs.ClassMapRow(
        object_key="class-maps/late",
        sha256="x",
        bytes=1,
        width_px=9,
        height_px=9,
        map_mpp=1,
        extent_width_px=9,
        extent_height_px=9,
        class_pixels=[1],
        provenance={},
    )
    with database.transaction() as connection:
        assert not jobs.finish_job(connection, claim.jobs[0].lease, row, timings={})
    shown = client.get(f"/v1/cohorts/{cohort.name}").json()
    assert (shown["jobs"]["waiting"], shown["jobs_expected"]) == (2, 2)


def test_a_report_that_is_being_made_begins_anew(
    client: TestClient, database: Database, small_study: SmallStudy
) -> None:
    client.post(f"/v1/studies/{small_study.name}/report").raise_for_status()
    with database.transaction() as connection:
        (due,) = outbox.due_chores(connection, EVALUATE_CHORES, limit=10)
        late = claim_chore(connection, due.chore_id, worker="w", token=uuid4(), lease_s=60).lease

    _withdraw(client, f"{ROIS[0].slide}_tumor")

    with database.transaction() as connection:
        assert late is not None
        assert not leases.succeed(connection, late)
        (again,) = outbox.due_chores(connection, EVALUATE_CHORES, limit=10)
        lease = claim_chore(connection, again.chore_id, worker="w", token=uuid4(), lease_s=60).lease
        assert lease is not None
        assert lease.row_id == late.row_id
        assert leases.succeed(connection, lease)


def test_nothing_of_a_withdrawn_case_is_taken_in_again(
    client: TestClient, database: Database, make_cohort: MakeCohort
) -> None:
    cohort = make_cohort(images=2)
    _withdraw(client, CASE)

    make_cohort(images=2)  # the same manifest again

    with database.transaction() as connection:
        states = [row["state"] for row in connection.execute("SELECT state FROM rois ORDER BY id")]
        image = ImageRow(sha256=f"{0:064x}", bytes=1, object_key="rois/0", width_px=9, height_px=9)
        kept = keep_image(connection, image)
    assert states == ["withdrawn", "stored"]
    assert (kept.object_key, kept.refusal) == (None, "The case was withdrawn.")
    new = {"path": "other.jpg", "mpp": 0.25, "cohort": cohort.name, "case": CASE, "sha256": "a" * 64, "bytes": 5}
    refused = client.post("/v1/cohorts", json={"rois": [new], "segmenters": ["lung"]})
    assert refused.status_code == 409, refused.text
    assert refused.json()["detail"] == "The case was withdrawn: other_tumor"
    with pytest.raises(CaseWithdrawn), database.transaction() as connection:
        slides.add_slides(connection, cohort.id, [NewSlide(name="b", case=CASE, source="/b.svs")], actor="test")


def test_an_upload_that_was_awaited_goes(
    client: TestClient, database: Database, objects: ObjectStore, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    with database.transaction() as connection:
        connection.execute("UPDATE rois SET state = 'awaiting', image_sha256 = NULL")
    objects.put(incoming_key(f"{0:064x}"), b"x", media_type="image/jpeg")

    assert _withdraw(client, CASE)["objects"] == {"incoming": 1}
    assert list(objects.keys()) == []


def test_withdrawing_again_does_nothing_and_what_is_unknown_is_told(
    client: TestClient, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    _withdraw(client, CASE)

    again = _withdraw(client, CASE)

    assert (again["rois"], again["objects"]) == (0, {})
    unknown = client.post("/v1/withdrawals", json={"name": "nobody", "reason": "x"})
    assert unknown.status_code == 404
    assert unknown.json()["detail"] == "There is no such case, slide or ROI: nobody"
    assert client.post("/v1/withdrawals", json={"name": CASE, "reason": "  "}).status_code == 422


def test_only_admins_withdraw(client: TestClient, make_token: MakeToken, make_cohort: MakeCohort) -> None:
    make_cohort(images=1)
    headers = {"Authorization": f"Bearer {make_token(Scope.OPERATE)}"}

    assert client.post("/v1/withdrawals", json={"name": CASE, "reason": "x"}, headers=headers).status_code == 403


def test_objects_that_could_not_be_removed_go_later(
    database: Database, objects: ObjectStore, settings: Settings, make_cohort: MakeCohort
) -> None:
    make_cohort(images=1)
    objects.put("rois/0", b"x", media_type="image/jpeg")
    nowhere = ObjectStore.from_settings(settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"}))

    done = withdraw(database, nowhere, CASE, reason="x", actor="test")

    assert done.objects_left == 1
    assert "rois/0" in set(objects.keys())
    sweep(database, objects, age_s=3600)
    assert list(objects.keys()) == []
    with database.transaction() as connection:
        assert withdrawals.count_removals(connection) == 0


@pytest.fixture
def stored_study(database: Database, objects: ObjectStore) -> SmallStudy:
    """The small study, with its images and class maps in the bucket."""
    return make_study(database, objects)


def test_a_withdrawn_case_is_shown_as_such_and_serves_no_pixels(
    client: TestClient, database: Database, stored_study: SmallStudy
) -> None:
    assigned = stored_study.assignments["r1"][3]
    secret = sign_in(database, stored_study.accounts["r1"])
    browser = TestClient(client.app, cookies={"pantile-session": secret}, raise_server_exceptions=False)
    before = read_case(browser, assigned)
    tile = f"{before['panes'][0]['tiles']['url']}/9/0_0.png"
    seen = browser.get(tile)
    assert seen.status_code == 200

    _withdraw(client, ROIS[3].slide)

    case = read_case(browser, assigned)
    assert (case["status"], case["roi"]["tiles"], case["roi"]["tiles_state"]) == ("withdrawn", None, "withdrawn")
    assert {(pane["is_missing"], pane["tiles"]) for pane in case["panes"]} == {(True, None)}
    gone = browser.get(tile, headers={"If-None-Match": seen.headers["ETag"]})
    assert (gone.status_code, gone.json()["detail"]) == (404, "There is no such tile: the case was withdrawn")
    with database.transaction() as connection:
        (row,) = connection.execute(
            "SELECT sr.key FROM study_rois sr JOIN rois r ON r.id = sr.roi_id WHERE r.state = 'withdrawn'"
        ).fetchall()
    assert browser.get(f"/tiles/{row['key']}/0/0_0.jpg").status_code == 404


def test_the_gallery_shows_nothing_of_a_withdrawn_case(
    client: TestClient, database: Database, stored_study: SmallStudy
) -> None:
    with database.transaction() as connection:
        (row,) = connection.execute(
            """
            SELECT r.image_sha256, min(cj.job_id) AS job FROM rois r JOIN cohort_jobs cj ON cj.roi_id = r.id
            WHERE r.slide = %s GROUP BY r.id
            """,
            [ROIS[3].slide],
        ).fetchall()
    class_map = f"/gallery/class-maps/{row['job']}/simplified-card.png"
    assert client.get(class_map).status_code == 200

    _withdraw(client, ROIS[3].slide)

    assert client.get(class_map).status_code == 404
    assert client.get(f"/gallery/images/{row['image_sha256']}/card.jpg").status_code == 404
    assert client.get(f"/gallery/{row['job']}").status_code == 404


def test_scores_of_a_withdrawn_case_stay_in_the_history_and_leave_the_tables(
    client: TestClient, database: Database, small_study: SmallStudy, open_browser: OpenBrowser
) -> None:
    r1 = open_browser("r1")
    scored = list(small_study.assignments["r1"].values())[:2]
    for key in scored:
        for pane in read_case(r1, key)["panes"]:
            put_score(r1, key, pane["output"], 7, version=0).raise_for_status()
        r1.post(f"/v1/assignments/{key}/complete", json={}).raise_for_status()

    assert _withdraw(client, f"{ROIS[0].slide}_tumor")["readings"] == 2

    exported = client.get(f"/v1/studies/{small_study.name}/export", params={"kind": "long"}).text
    assert exported.count(f"{ROIS[0].slide}_") == 0
    assert exported.count(f"{ROIS[1].slide}_") == 5
    (progress,) = [
        each
        for each in client.get(f"/v1/studies/{small_study.name}/progress").json()["raters"]
        if each["account"] == "r1"
    ]
    assert (progress["done"], progress["assigned"], progress["withdrawn"]) == (1, len(ROIS) - 1, 1)
    events = r1.get(f"/v1/assignments/{scored[0]}/events").json()["events"]
    assert [event["action"] for event in events][-3:] == ["set", "complete", "withdraw"]
    reopened = r1.post(f"/v1/assignments/{scored[0]}/reopen", json={"reason": "look again"})
    assert (reopened.status_code, reopened.json()["detail"]) == (
        409,
        "The case is not open: it is withdrawn, and only what is done or skipped can be reopened",
    )
    queue = r1.get(f"/v1/studies/{small_study.name}/queue", params={"status": "withdrawn"}).json()
    assert [case["key"] for case in queue["cases"]] == [str(scored[0])]
    assert r1.get(f"/v1/studies/{small_study.name}/next").json()["key"] not in map(str, scored)
    with database.transaction() as connection:
        assert verify_study(connection, small_study.study_id).discrepancies == ()
