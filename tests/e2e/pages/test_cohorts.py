"""Cohorts in the browser: followed as they go on, found, paused and resumed, and cancelled."""

from playwright.sync_api import Page, expect

from pantile.catalog.database import Database
from tests.e2e.scoring.conftest import SignIn
from tests.study_fixture import SmallStudy

OWN = "/cohorts/TCGA-SKCM"
RENEWED_MS = 20_000


def _names(page: Page) -> list[str]:
    return page.locator("tbody th a").all_inner_texts()


def _pause(database: Database, reason: str) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE cohorts SET state = 'paused', pause_reason = %s WHERE name = 'TCGA-SKCM'", [reason])


def _complete(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE cohorts SET state = 'complete', closed_at = now() WHERE name = 'TCGA-SKCM'")


def test_a_cohort_is_renewed_while_it_is_looked_at_and_keeps_the_focus(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    page = sign_in("view")
    page.goto("/cohorts")
    row = page.get_by_role("row").filter(has_text="TCGA-SKCM")
    expect(row).to_contain_text("34 of 35")
    page.get_by_role("link", name="TCGA-SKCM").focus()

    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE state = 'waiting'")

    expect(row).to_contain_text("35 of 35", timeout=RENEWED_MS)
    expect(row).to_contain_text("none")
    assert page.evaluate("document.activeElement.textContent") == "TCGA-SKCM"
    expect(page.get_by_text("Nothing is under way any more.")).to_be_visible(timeout=RENEWED_MS)


def test_renewing_can_be_stopped_and_begun_again(study: SmallStudy, sign_in: SignIn, database: Database) -> None:
    page = sign_in("view")
    page.goto(OWN)
    page.get_by_role("button", name="Stop renewing").click()
    _pause(database, "most of its jobs fail")

    page.wait_for_timeout(6000)
    assert page.get_by_text("most of its jobs fail").count() == 0
    page.get_by_role("button", name="Renew again").click()

    expect(page.get_by_text("most of its jobs fail")).to_be_visible()


def test_cohorts_are_found_by_name_and_state_and_the_address_can_be_shared(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    _complete(database)
    page = sign_in("view")
    page.goto("/cohorts")
    assert _names(page) == ["TCGA-LUAD", "TCGA-SKCM"]

    page.get_by_label("State").select_option("complete")
    page.get_by_role("button", name="Show").click()

    assert _names(page) == ["TCGA-SKCM"]
    page.goto(page.url)
    assert _names(page) == ["TCGA-SKCM"]
    page.goto("/cohorts?q=luad")
    assert _names(page) == ["TCGA-LUAD"]
    page.goto("/cohorts?q=luad&state=paused")
    page.get_by_role("link", name="Show all cohorts").click()
    assert len(_names(page)) == 2


def test_an_operator_resumes_and_cancels_a_cohort(study: SmallStudy, sign_in: SignIn, database: Database) -> None:
    _pause(database, "20 of the first 20 jobs failed")
    page = sign_in("admin")
    page.goto(OWN)

    page.get_by_role("button", name="Resume the cohort").click()

    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("The cohort goes on")
    expect(page.locator("main .state")).to_have_text("open")
    page.get_by_text("Cancel the cohort").click()
    page.get_by_role("button", name="Cancel TCGA-SKCM").click()
    expect(page.locator("main .state")).to_have_text("cancelled")
    assert page.get_by_role("heading", name="What you can do").count() == 0
    with database.transaction() as connection:
        said = connection.execute("SELECT actor, action FROM audit ORDER BY id DESC LIMIT 2").fetchall()
    assert [(each["actor"], each["action"]) for each in said] == [("admin", "cancel"), ("admin", "resume")]


def test_an_operator_pauses_a_cohort_and_everybody_reads_why(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE cohorts SET state = 'open', closed_at = NULL WHERE name = 'TCGA-SKCM'")
    page = sign_in("admin")
    page.goto(OWN)
    why = page.get_by_label("Why, for whoever looks at it meanwhile")
    pause = page.get_by_role("button", name="Pause TCGA-SKCM")

    page.get_by_text("Pause the cohort").click()
    why.fill(" ")
    expect(page.get_by_text("Renewed at")).to_be_visible(timeout=RENEWED_MS)
    expect(why).to_have_value(" ")
    pause.click()
    expect(page.get_by_role("alert")).to_contain_text("say why the cohort is to be paused")
    why.fill("the scanner is looked at")
    pause.click()
    expect(page.get_by_role("status")).to_be_visible()

    expect(page.get_by_role("status")).to_contain_text("The cohort is paused")
    expect(page.locator("main .state")).to_have_text("paused")
    expect(page.locator("#progress .notice")).to_have_text("Paused: the scanner is looked at")
    expect(page.get_by_role("button", name="Resume the cohort")).to_be_visible()
    colleague = sign_in("view")
    colleague.goto(OWN)
    expect(colleague.locator("#progress .notice")).to_have_text("Paused: the scanner is looked at")
    with database.transaction() as connection:
        said = connection.execute(
            "SELECT actor, details FROM audit WHERE action = 'pause' ORDER BY id DESC LIMIT 1"
        ).fetchall()
    assert [(each["actor"], each["details"]["reason"]) for each in said] == [("admin", "the scanner is looked at")]


def test_a_viewer_sees_no_way_to_change_a_cohort(study: SmallStudy, sign_in: SignIn, database: Database) -> None:
    _pause(database, "x")
    page = sign_in("view")

    page.goto(OWN)

    assert page.locator("main form").count() == 0
    page.goto("/cohorts/TCGA-NONE")
    assert "There is no such cohort" in page.locator("main").inner_text()
