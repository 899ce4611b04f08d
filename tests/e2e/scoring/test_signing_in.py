"""Signing in, as a person does it in a browser."""

from playwright.sync_api import expect

from tests.e2e.scoring.conftest import Axe, OpenBrowser, SignIn
from tests.study_fixture import SmallStudy


def test_a_person_signs_in_through_the_page_and_out_again(study: SmallStudy, sign_in: SignIn, axe: Axe) -> None:
    """Check 43, 50: the way in is axe-clean and asks its own policy for nothing that it forbids."""
    page = sign_in("r1")
    assert axe(page) == []

    page.get_by_role("button", name="Sign out").click()

    page.wait_for_url("**/auth/login**")
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    assert axe(page) == []


def test_a_wrong_password_is_told_and_the_page_stays_usable(
    study: SmallStudy, open_page: OpenBrowser, axe: Axe
) -> None:
    page = open_page()
    page.goto("/auth/login?then=/studies")
    page.get_by_label("Account").fill("r1")
    page.get_by_label("Password").fill("not this one")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Account")).to_have_value("r1")
    assert axe(page) == []
