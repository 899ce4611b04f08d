"""An adjudicator at the scoring page: two readings without names, and one consensus."""

from playwright.sync_api import expect

from pantile.catalog.database import Database
from tests.e2e.scoring.conftest import Axe, OpenBrowser, OpenCase
from tests.e2e.scoring.page import ScoringPage
from tests.study_fixture import PASSWORD, SmallStudy
from tests.study_fixture import sign_in as open_session_of


def complete(page: ScoringPage) -> None:
    """Completes the case, and waits until the service knows."""
    with page.page.expect_response("**/complete"):
        page.press("Enter")


def test_an_adjudicator_claims_and_signs_a_consensus(
    open_case: OpenCase, open_page: OpenBrowser, axe: Axe, study: SmallStudy, database: Database, web_url: str
) -> None:
    """Check 38, 43, in the browser: no names, the password again, and the first scores as they were."""
    first = open_case(1)
    output = first.page.evaluate("() => pantile.reading.panes[0].output.output")
    first.type_scores([9, 8, 8, 8, 8])
    complete(first)
    second = open_case(1, account="r2")
    for number in second.page.evaluate("() => pantile.reading.panes.map(pane => pane.output.output)"):
        second.press("Digit4" if number == output else "Digit8")
    complete(second)

    page = open_page()
    secret = open_session_of(database, study.accounts["adj"])
    page.context.add_cookies([{"name": "pantile-session", "value": secret, "url": web_url}])
    listed = page.request.get(f"/v1/studies/{study.name}/adjudications").json()["adjudications"]
    page.goto(f"/studies/{study.name}/adjudication/{listed[0]['key']}")
    panel = page.get_by_role("region", name="Adjudication")
    expect(panel).to_contain_text("First9")
    expect(panel).to_contain_text("Second4 – poor")
    assert "r1" not in panel.inner_text()
    panel.get_by_role("button", name="Claim").click()
    expect(panel.get_by_role("radiogroup")).to_be_visible()
    page.keyboard.press("7")
    panel.get_by_label("Why", exact=True).fill("The stroma is right.")
    panel.get_by_label("Your password, to sign").fill(PASSWORD)
    assert axe(page) == []
    panel.get_by_role("button", name="Sign").click()

    expect(panel).to_contain_text("Signed: The stroma is right.")
    assert axe(page) == []
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT s.value FROM scores s JOIN outputs o ON o.id = s.output_id WHERE o.key = %s", [output]
        ).fetchall()
    assert len(listed) == 1
    assert {row["value"] for row in rows} == {4, 9}
