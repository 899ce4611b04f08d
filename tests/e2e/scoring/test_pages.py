"""The pages around scoring, as their people meet them: reachable by keyboard, readable, and never a dead end."""

from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from pantile.catalog.database import Connection, Database
from tests.e2e.scoring.conftest import PHONE, TABLET, Axe, SignIn
from tests.integration.web.scoring import score_cases
from tests.study_fixture import PASSWORD, SmallStudy, browser_of

OWN = "/studies/pan-cancer"
EVERYBODYS = ("/", "/studies", "/account", OWN)
PAGES = {
    "r1": (*EVERYBODYS, f"{OWN}/queue", f"{OWN}/queue?status=done", f"{OWN}/queue?cohort=TCGA-LUAD", "/nowhere"),
    "adj": (*EVERYBODYS, f"{OWN}/queue", f"{OWN}/adjudication"),
    "view": EVERYBODYS,
    "admin": (
        *(
            f"{OWN}/{name}"
            for name in ("progress", "results", "report", "agreement", "adjudication", "audit", "export")
        ),
        *EVERYBODYS,
        "/studies/new",
        f"{OWN}/edit",
        f"{OWN}/import",
        f"{OWN}?expected_icc=0.8&width=0.1&raters=2",
    ),
}

SMALL = """least => [...document.querySelectorAll('a, button, input, select, textarea, summary')].filter(each => {
    const target = each.matches('[type=checkbox], [type=radio]') ? each.closest('label') : each;
    const box = target.getBoundingClientRect();
    const isInline = getComputedStyle(each).display === 'inline' && each.closest('p, li, dd');
    const isHidden = each.type === 'hidden' || each.classList.contains('unseen') || box.width === 0;
    return !isInline && !isHidden && (box.height < least - 0.5 || box.width < 24);
}).map(each => each.outerHTML.slice(0, 120))"""
"""What is smaller than `least` pixels high; links in running text are excepted (WCAG 2.2, 2.5.8)."""

TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_FOCUS = """() => {
    const each = document.activeElement, style = getComputedStyle(each);
    return [each.tagName, each.textContent.trim(), parseFloat(style.outlineWidth), style.outlineStyle];
}"""


@pytest.mark.parametrize("account", PAGES)
def test_every_page_is_axe_clean_and_fits_every_screen(
    study: SmallStudy, sign_in: SignIn, axe: Axe, account: str
) -> None:
    """Checks 43 and 46: nothing that axe finds, targets of 24 and 44 px, nothing to scroll sideways at 320 px."""
    page = sign_in(account)
    for path in PAGES[account]:
        page.goto(path)
        assert axe(page) == [], path
        assert page.evaluate(SMALL, 24) == [], path
        page.set_viewport_size(TABLET)
        assert page.evaluate(SMALL, 44) == [], path
        page.set_viewport_size(PHONE)
        assert page.evaluate(TOO_WIDE) == 0, path
        page.set_viewport_size({"width": 1920, "height": 1080})


def _verdict(output: str, *, shift: int) -> int:
    """A score that follows from the output, and from who gives it."""
    return (int(output[:2], 16) + shift) % 11


def test_a_study_in_every_state_is_axe_clean(
    study: SmallStudy, sign_in: SignIn, axe: Axe, database: Database, web_url: str
) -> None:
    """Check 43: drafts, studies that are locked or unblinded, agreement with its charts, and what is adjudicated."""
    for account, shift in (("r1", 0), ("r2", 4)):
        with browser_of(database, study.accounts[account], url=web_url) as browser:
            score_cases(browser, study.name, partial(_verdict, shift=shift))
    page = sign_in("admin")
    page.goto(f"{OWN}/agreement")
    expect(page.locator("main svg")).not_to_have_count(0)
    for path in ("results", "agreement", "adjudication", "progress", "audit", "export"):
        page.goto(f"{OWN}/{path}")
        assert axe(page) == [], path
    for state in ("locked", "unblinded", "draft"):
        with database.transaction() as connection:
            connection.execute("UPDATE studies SET state = %s WHERE name = %s", [state, study.name])
        for path in (OWN, f"{OWN}/agreement", f"{OWN}/edit"):
            page.goto(path)
            assert axe(page) == [], (state, path)


def test_pages_fit_at_200_percent(study: SmallStudy, sign_in: SignIn) -> None:
    """Check 46: at 200 % a screen of 1280 px is 640 px wide, and nothing is cut off."""
    page = sign_in("admin", viewport={"width": 640, "height": 512}, device_scale_factor=2)
    for path in PAGES["admin"]:
        page.goto(path)
        assert page.evaluate(TOO_WIDE) == 0, path


def _expect_cases(page: Page, *positions: int) -> None:
    expect(page.locator("tbody th a")).to_have_text([f"Case {position}" for position in positions])


def _state(database: Database, **states: tuple[int, ...]) -> None:
    with database.transaction() as connection:
        for state, positions in states.items():
            connection.execute(
                "UPDATE assignments SET state = %s WHERE position = ANY(%s) AND account_id = "
                "(SELECT id FROM accounts WHERE name = 'r1')",
                [state, list(positions)],
            )


def test_filters_give_the_cases_that_they_say_and_survive_back_and_reload(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    """Check 36."""
    _state(database, done=(1, 2, 7), skipped=(3,), open=(4,))
    with database.transaction() as connection:
        connection.execute("UPDATE assignments SET comment = '100 % necrotic' WHERE position = 8")
        connection.execute(
            "INSERT INTO flags (assignment_id, kind) SELECT id, 'difficult' FROM assignments "
            "WHERE position = 2 AND purpose = 'primary'"
        )
    page = sign_in("r1")
    page.goto(f"{OWN}/queue")
    luad = (7, 8, 9, 10, 12)
    _expect_cases(page, *range(1, 13))

    def expect_shown(*positions: int, **wanted: str) -> None:
        for name, value in {"status": "", "cohort": "", "tissue": "", "flagged": "", **wanted}.items():
            if name == "q":
                page.get_by_label("Case number").fill(value)
            else:
                page.locator(f"#{name}").select_option(value)
        with page.expect_navigation():
            page.get_by_role("button", name="Show").click()
        _expect_cases(page, *positions)

    expect_shown(*luad, cohort="TCGA-LUAD")
    expect_shown(12, cohort="TCGA-LUAD", tissue="normal")
    expect_shown(1, 2, 7, status="done")
    expect_shown(7, status="done", cohort="TCGA-LUAD")
    expect_shown(2, flagged="true")
    expect_shown(8, q="Case 8")
    expect_shown(8, q="100 %")
    expect_shown(q="100%")
    expect(page.get_by_role("link", name="Show all your cases")).to_be_visible()

    page.goto(f"{OWN}/queue?status=done&cohort=TCGA-LUAD")
    page.get_by_role("link", name="Case 7").click()
    page.wait_for_url("**/score/*")
    page.go_back()
    _expect_cases(page, 7)
    page.reload()
    _expect_cases(page, 7)
    expect(page.locator("#status")).to_have_value("done")


def _tab_to(page: Page, last: str, *, most: int) -> Iterator[str]:
    """Presses Tab until the focus is on `last`, and gives the text of all that it comes to."""
    for _ in range(most):
        page.keyboard.press("Tab")
        tag, text, width, style = page.evaluate(_FOCUS)
        assert tag != "BODY", f"after {most} steps"
        assert (width >= 2, style) == (True, "solid"), f"the focus on {text!r} cannot be seen"
        yield text
        if text == last:
            return


def test_every_case_is_reached_and_opened_by_keyboard(study: SmallStudy, sign_in: SignIn) -> None:
    """Check 44, and 35: every row is a link in the order of tabs, and Enter opens it."""
    page = sign_in("r1")
    page.goto(f"{OWN}/queue")

    met = list(_tab_to(page, "Case 12", most=40))

    assert [text for text in met if text.startswith("Case ")] == [f"Case {number}" for number in range(1, 13)]
    page.get_by_role("link", name="Case 3", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/score/{study.assignments['r1'][2]}")


def test_after_every_action_the_focus_is_on_what_came_of_it(study: SmallStudy, sign_in: SignIn) -> None:
    """Check 44: never on the body."""
    page = sign_in("admin")
    page.goto(OWN)
    page.get_by_label("Account").fill("nobody")
    page.get_by_role("button", name="Take in, or change").press("Enter")
    expect(page.locator(":focus")).to_have_text("There is no such account: nobody")
    page.get_by_label("Account").fill("admin")
    page.get_by_role("button", name="Take in, or change").press("Enter")
    expect(page.locator(":focus")).to_have_text("The members are changed.")


@pytest.mark.parametrize("account", ["adj", "r1"])
def test_resume_leads_to_the_case_or_says_that_all_is_done(
    study: SmallStudy, sign_in: SignIn, database: Database, account: str
) -> None:
    """Checks 35 and 52."""
    if account == "r1":
        _state(database, done=(1, 2), open=(3,))
    page = sign_in(account)

    page.goto(f"{OWN}/resume")

    if account == "r1":
        page.wait_for_url(f"**/score/{study.assignments['r1'][2]}")
        _state(database, done=tuple(range(1, 13)))
        page.goto(f"{OWN}/resume")
        expect(page.locator("main")).to_contain_text("You are through.")
        page.goto("/")
        expect(page.get_by_role("link", name="Resume")).to_have_count(0)
    else:
        expect(page.locator("main")).to_contain_text("No cases are assigned to you in this study")
        page.get_by_role("link", name="About the study").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Five segmenters, side by side")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/studies/none", 404),
        ("/studies/none/queue", 404),
        ("/studies/new", 403),
        (f"{OWN}/edit", 403),
    ],
)
def test_what_is_not_there_or_not_allowed_has_a_way_on(
    study: SmallStudy, sign_in: SignIn, axe: Axe, path: str, status: int
) -> None:
    """Check 52: unknown routes and closed ones give a page with a way on."""
    page = sign_in("r1")

    answer = page.goto(path)

    assert answer is not None
    assert answer.status == status
    assert axe(page) == []
    page.get_by_role("link", name="To the first page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Good to see you, r1")


def test_a_locked_study_says_so(study: SmallStudy, sign_in: SignIn, database: Database) -> None:
    """Check 52: a study that takes no scores any more."""
    with database.transaction() as connection:
        connection.execute("UPDATE studies SET state = 'locked'")
    page = sign_in("r1")

    page.goto(f"{OWN}/queue")

    expect(page.locator("main")).to_contain_text("The study is locked")
    expect(page.get_by_role("link", name="Resume")).to_have_count(0)


def test_a_study_is_set_up_without_any_script(study: SmallStudy, sign_in: SignIn, database: Database) -> None:
    """Made, staffed, assigned with a dry run first, published and locked: by forms alone."""
    page = sign_in("admin", java_script_enabled=False)
    page.goto("/studies/new")
    page.get_by_label("Name, in addresses").fill("second-look")
    page.get_by_label("Title").fill("A second look")
    page.get_by_label("TCGA-LUAD").check()
    page.get_by_label("lung").check()
    page.get_by_role("button", name="Make the study").click()
    expect(page.get_by_role("status")).to_have_text("The study is made. It is a draft until you publish it.")

    page.get_by_role("button", name="Publish").click()
    page.get_by_label("Account").fill("r2")
    page.get_by_role("button", name="Take in, or change").click()
    page.get_by_label("Rater", exact=True).select_option("r2")
    page.get_by_label("ROIs in all").fill("3")
    page.get_by_role("button", name="Show what would be assigned").click()
    expect(page.locator("main")).to_contain_text("3 cases would be new for r2")
    with database.transaction() as connection:
        assert _assigned(connection) == 0
    page.get_by_role("button", name="Assign 3 cases").click()
    expect(page.get_by_role("status")).to_have_text("The cases are assigned.")
    with database.transaction() as connection:
        assert _assigned(connection) == 3

    page.get_by_text("Lock the study").click()
    page.get_by_label("Your password once more").fill("not this one")
    page.get_by_role("button", name="Lock", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("the password is not the account's")
    page.get_by_text("Lock the study").click()
    page.get_by_label("Your password once more").fill(PASSWORD)
    page.get_by_role("button", name="Lock", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The study is locked")


def _assigned(connection: Connection) -> int:
    rows = connection.execute(
        "SELECT count(*) AS n FROM assignments a JOIN studies s ON s.id = a.study_id WHERE s.name = 'second-look'"
    ).fetchall()
    return int(rows[0]["n"])


def test_a_form_of_another_page_changes_nothing(study: SmallStudy, sign_in: SignIn, database: Database) -> None:
    """Check 50: a form without the session's token is refused with 403."""
    page = sign_in("admin")

    answer = page.request.post(f"{OWN}/members", form={"account": "r1", "role": "admin", "csrf_token": "0" * 64})

    assert answer.status == 403
    with database.transaction() as connection:
        rows = connection.execute("SELECT role FROM study_members WHERE role = 'admin'").fetchall()
    assert rows == []
