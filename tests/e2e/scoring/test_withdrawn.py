"""A withdrawn case says so where its image was, and nothing of it is fetched."""

from playwright.sync_api import Request, expect

from pantile.catalog.database import Database
from pantile.catalog.withdrawals import Subject, withdraw
from tests.e2e.scoring.conftest import DESKTOP, SignIn
from tests.study_fixture import ROIS, SmallStudy


def test_a_withdrawn_case_shows_neither_image_nor_class_maps(
    sign_in: SignIn, study: SmallStudy, database: Database
) -> None:
    # Without the objects, which the tests share, being removed.
    with database.transaction() as connection:
        withdraw(connection, Subject(name=ROIS[1].slide), reason="a test", actor="test")
        keys = connection.execute(
            """
            SELECT o.key, sr.key AS roi FROM outputs o JOIN study_rois sr USING (study_id, roi_id)
            JOIN rois r ON r.id = o.roi_id WHERE r.state = 'withdrawn'
            """
        ).fetchall()
    withdrawn = {str(key) for row in keys for key in row.values()}
    page = sign_in("r1", viewport=DESKTOP)
    tiles: list[str] = []

    def note(request: Request) -> None:
        if "/tiles/" in request.url:
            tiles.append(request.url)

    page.on("request", note)
    page.goto(f"/score/{study.assignments['r1'][1]}")

    expect(page.locator('[data-pane="H&E"]')).to_contain_text("This case was withdrawn, and its image removed.")
    expect(page.locator('[data-pane="A"]')).to_contain_text("Withdrawn.")
    expect(page.get_by_text("This case was withdrawn: there is nothing to be seen or scored any more.")).to_be_visible()
    assert not [address for address in tiles if any(key in address for key in withdrawn)]
    page.goto(f"/studies/{study.name}/queue?status=withdrawn")
    expect(page.get_by_role("row").filter(has_text="Case 2")).to_contain_text("withdrawn")
