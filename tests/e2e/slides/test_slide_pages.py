"""Pages of slides in every state: reached, readable for all, and without a dead end."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect

from pantile.catalog.database import Database
from tests.e2e.slides.conftest import AddSlides, OpenSlide, Work
from tests.e2e.slides.page import SlidePage

Axe = Callable[[Page], list[str]]

TABLET: ViewportSize = {"width": 820, "height": 1180}
PHONE: ViewportSize = {"width": 320, "height": 700}


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    answer: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return answer


def test_a_slide_is_reached_from_the_first_page(
    add_slides: AddSlides, slide_file: Path, accounts: None, sign_in: Callable[..., Page], axe: Axe
) -> None:
    add_slides(slide_file, "TCGA-A2-A0D2-01Z-00-DX1", "b")
    page = sign_in("ann")

    page.get_by_role("link", name="Slides").click()
    assert axe(page) == []
    page.get_by_role("link", name="C", exact=True).click()
    expect(page.locator(".slide-picture img").first).to_have_js_property("complete", value=True)
    assert axe(page) == []
    page.get_by_role("link", name="TCGA-A2-A0D2-01Z-00-DX1").click()

    slide = SlidePage(page)
    slide.wait_until_open()
    slide.press("t")
    assert axe(page) == []
    page.get_by_role("link", name="To the cohort's slides").click()
    page.wait_for_url("**/cohorts/C/slides")


def test_dialogs_are_readable_for_all(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, axe: Axe, database: Database
) -> None:
    add_slides(slide_file, "a")
    slide = open_slide()
    slide.press("?")
    assert axe(slide.page) == []
    slide.button("Close").click()
    with database.transaction() as connection:
        connection.execute("INSERT INTO placings (slide_id, version, rectangles, placed_by) VALUES (1, 1, '[]', 'x')")

    slide.press("s")

    expect(slide.page.get_by_role("dialog")).to_contain_text("x has saved others")
    assert axe(slide.page) == []


def test_the_page_is_usable_on_tablets_and_at_320_pixels(
    add_slides: AddSlides, slide_file: Path, open_slide: OpenSlide, axe: Axe
) -> None:
    add_slides(slide_file, "a", "b")
    for slide_id, size in enumerate((TABLET, PHONE), start=1):
        slide = open_slide(slide_id, viewport=size)
        slide.press("n")
        assert (axe(slide.page), fits(slide.page)) == ([], True)
        slide.button("Save").click()
        slide.stands("Saved")
        slide.page.goto("/cohorts/C/slides")
        assert (axe(slide.page), fits(slide.page)) == ([], True)
        slide.page.goto("/slides")
        assert (axe(slide.page), fits(slide.page)) == ([], True)


def test_slides_that_cannot_be_shown_say_why_and_lead_on(
    add_slides: AddSlides, slide_file: Path, accounts: None, sign_in: Callable[..., Page], work: Work, axe: Axe
) -> None:
    add_slides(slide_file, "a", is_looked_into=False)
    add_slides(Path("/nowhere.svs"), "b", is_looked_into=False)
    page = sign_in("ann")

    page.goto("/slides/1")
    expect(page.get_by_role("heading")).to_have_text("a is waiting")
    assert axe(page) == []
    work()
    SlidePage(page).wait_until_open()

    page.goto("/slides/2")
    expect(page.get_by_role("heading")).to_have_text("b is refused")
    expect(page.get_by_role("alert")).to_contain_text("this worker has no file /nowhere.svs")
    page.get_by_role("link", name="To the cohort's slides").click()
    expect(page.locator(".card").nth(1)).to_contain_text("this worker has no file")

    page.goto("/slides/9")
    expect(page.get_by_role("alert")).to_have_text("There is no such slide: 9")
    page.get_by_role("link", name="To the slides").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Slides")


def test_cohorts_without_slides_say_how_to_get_some(
    accounts: None, sign_in: Callable[..., Page], axe: Axe, database: Database
) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO cohorts (name) VALUES ('C')")
    page = sign_in("vera")

    page.goto("/slides")
    expect(page.locator(".empty")).to_contain_text("There are no slides yet.")
    assert axe(page) == []
    page.goto("/cohorts/C/slides")
    expect(page.locator(".empty")).to_contain_text("This cohort has no slides.")
    assert axe(page) == []
