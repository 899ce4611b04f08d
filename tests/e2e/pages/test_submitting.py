"""Submission in the browser: a folder and a manifest are checked, problems told by line, and only then queued."""

from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from pantile.catalog.database import Database
from pantile.catalog.holdings import incoming_key
from pantile.objects import ObjectStore, sha256_of
from tests.e2e.scoring.conftest import Axe, SignIn
from tests.study_fixture import SmallStudy

NAMES = ("TCGA-BRCA-A2-A0D2_0.25_tumor_original.jpg", "TCGA-BRCA-A2-A0D3_0.25_normal_original.jpg")
PLAIN = "plain.jpg"


def _folder(tmp_path: Path, *names: str) -> Path:
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(f"the bytes of {name}".encode())
    (folder / "notes.txt").write_text("no image")
    return folder


def _rois(database: Database, cohort: str) -> list[tuple[str, str]]:
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT r.source, r.state FROM rois r JOIN cohorts c ON c.id = r.cohort_id WHERE c.name = %s ORDER BY r.id",
            [cohort],
        ).fetchall()
    return [(row["source"], row["state"]) for row in rows]


def _drop(page: Page, *paths: Path) -> None:
    """Drops files and folders of the disk on the page, as from a window of files."""
    box = page.locator("#drop").bounding_box()
    assert box is not None
    protocol = page.context.new_cdp_session(page)
    dragged = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        protocol.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 9, "y": box["y"] + 9, "data": dragged})


def _check(page: Page) -> None:
    page.get_by_role("button", name="Check").click()


def test_a_folder_is_checked_uploaded_and_queued(
    study: SmallStudy, sign_in: SignIn, axe: Axe, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    folder = _folder(tmp_path, *NAMES, f"more/{PLAIN}")
    page = sign_in("admin")
    page.goto("/submit")
    page.get_by_label("A folder of images").set_input_files(folder)
    expect(page.locator("#manifest")).to_have_value("\n".join(["path", *NAMES, f"more/{PLAIN}"]))

    _check(page)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert.get_by_role("listitem")).to_have_text(
        ["line 4: no cohort is named, neither in a column nor in its name"]
    )
    assert axe(page) == []
    assert _rois(database, "TCGA-BRCA") == []
    page.get_by_label("Cohort of rows").fill("TCGA-BRCA")
    page.get_by_label("Microns a pixel").fill("0.5")
    _check(page)
    expect(page.get_by_role("status").first).to_contain_text("TCGA-BRCA: 3 ROIs of 3 cases, 2 tumor and 1 normal")
    assert _rois(database, "TCGA-BRCA") == []
    page.get_by_role("button", name="Submit").click()

    page.wait_for_url("**/cohorts/TCGA-BRCA?done=submitted")
    assert _rois(database, "TCGA-BRCA") == [(name, "arriving") for name in (*NAMES, f"more/{PLAIN}")]
    for name in (*NAMES, f"more/{PLAIN}"):
        data = (folder / name).read_bytes()
        assert objects.get(incoming_key(sha256_of(data))) == data


def test_a_folder_that_is_dropped_is_taken_whole_with_what_is_in_its_folders(
    study: SmallStudy, sign_in: SignIn, database: Database, objects: ObjectStore, tmp_path: Path
) -> None:
    # The browser tells of a folder by the hundred.
    names = [f"TCGA-BRCA-A2-A{number:03}_0.25_tumor_original.jpg" for number in range(101)]
    below = f"more/{NAMES[1]}"
    folder = _folder(tmp_path, *names, below)
    page = sign_in("admin")
    page.goto("/submit")

    _drop(page, folder)

    expect(page.get_by_text("102 images are chosen")).to_be_visible()
    expect(page.locator("#manifest")).to_have_value("\n".join(["path", *names, below]))
    _check(page)
    expect(page.get_by_role("status").first).to_contain_text("TCGA-BRCA: 102 ROIs of 102 cases")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/cohorts/TCGA-BRCA?done=submitted")
    assert _rois(database, "TCGA-BRCA") == [(name, "arriving") for name in (*names, below)]
    data = (folder / below).read_bytes()
    assert objects.get(incoming_key(sha256_of(data))) == data


def test_files_that_are_dropped_with_a_manifest_are_submitted_by_it(
    study: SmallStudy, sign_in: SignIn, database: Database, tmp_path: Path
) -> None:
    folder = _folder(tmp_path, PLAIN, *NAMES)
    manifest = folder / "manifest.csv"
    manifest.write_text(f"path,cohort,case,tissue_type,mpp\n{PLAIN},PILOT,P-1,normal,0.5\n")
    page = sign_in("admin")
    page.goto("/submit")

    _drop(page, folder / PLAIN, folder / NAMES[0], manifest)

    expect(page.get_by_text("The manifest manifest.csv is read, with 2 images beside it.")).to_be_visible()
    _check(page)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/cohorts/PILOT?done=submitted")
    assert _rois(database, "PILOT") == [(PLAIN, "arriving")]


def test_a_manifest_of_addresses_needs_no_script(
    study: SmallStudy, sign_in: SignIn, axe: Axe, database: Database
) -> None:
    page = sign_in("admin", java_script_enabled=False)
    page.goto("/submit")
    lines = ["path,mpp", f"s3://study/{NAMES[0]},", f"s3://study/{NAMES[1]},7", "s3://study/x.jpg,0.25,far"]
    page.get_by_label("Manifest", exact=True).fill("\n".join(lines))
    _check(page)
    assert "line 4: 3 cells under 2 columns" in page.get_by_role("alert").inner_text()
    page.get_by_label("Manifest", exact=True).fill("\n".join(lines[:3]))
    _check(page)
    assert "line 3: The mpp is not between" in page.get_by_role("alert").inner_text()
    page.get_by_label("Manifest", exact=True).fill("\n".join(lines[:2]))
    page.get_by_label("lung").check()
    _check(page)
    assert page.get_by_label("lung").is_checked()
    page.get_by_role("button", name="Submit").click()

    page.wait_for_url("**/cohorts/TCGA-BRCA?done=submitted")
    assert _rois(database, "TCGA-BRCA") == [(f"s3://study/{NAMES[0]}", "arriving")]
    with database.transaction() as connection:
        asked = connection.execute(
            "SELECT s.name FROM cohort_segmenters cs JOIN segmenters s ON s.id = cs.segmenter_id "
            "JOIN cohorts c ON c.id = cs.cohort_id WHERE c.name = 'TCGA-BRCA'"
        ).fetchall()
    assert [row["name"] for row in asked] == ["lung"]


def test_files_that_were_not_chosen_are_named_and_uploads_ask_for_a_token_of_the_page(
    study: SmallStudy, sign_in: SignIn, web_url: str
) -> None:
    page = sign_in("admin")
    page.goto("/submit")
    page.get_by_label("Manifest", exact=True).fill(f"path\n{NAMES[0]}")
    _check(page)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text(f"{NAMES[0]}: the file was not uploaded")

    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    answer = httpx.put(f"{web_url}/submit/files", content=b"x", cookies=cookies)
    assert answer.status_code == 403
