"""Failures, segmenters and workers in the browser."""

from playwright.sync_api import expect

from pantile.cards import load_shipped_cards
from pantile.catalog.database import Database
from tests.e2e.pages.trouble import BROKEN, make_trouble
from tests.e2e.scoring.conftest import SignIn
from tests.study_fixture import SmallStudy


def test_failures_are_told_by_cause_and_tried_again_one_by_one_and_together(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    make_trouble(database)
    page = sign_in("admin")
    page.goto("/cohorts")
    page.get_by_role("link", name="4 failed jobs of TCGA-SKCM").click()
    assert page.locator("main h2").all_inner_texts() == ["SegmenterBroken", "ObjectMissing"]
    expect(page.locator("blockquote").first).to_have_text(BROKEN)

    page.get_by_role("link", name="SegmenterBroken").click()
    assert page.locator("tbody tr").count() == 3
    page.get_by_role("button", name="Try again job").first.click()
    expect(page.get_by_role("status")).to_be_focused()
    assert page.locator("tbody tr").count() == 2
    assert "cohort=TCGA-SKCM" in page.url
    page.get_by_role("button", name="Try 2 again").click()

    expect(page.get_by_role("status")).to_have_text("They wait to be tried again.")
    assert page.locator("main h2").all_inner_texts() == ["ObjectMissing"]
    page.get_by_label("Segmenter").select_option("breast")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Show all failures").click()
    page.get_by_role("button", name="Try 1 again").click()
    expect(page.get_by_text("No job has failed.")).to_be_visible()


def test_a_viewer_reads_failures_and_workers_and_changes_nothing(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    make_trouble(database)
    page = sign_in("view")
    for path in ("/failures", "/failures/SegmenterBroken", "/workers"):
        page.goto(path)
        assert page.locator("main form[method=post]").count() == 0, path


def test_workers_tell_what_they_run_on_and_hold_and_are_drained(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    make_trouble(database)
    page = sign_in("admin")
    page.goto("/workers?kind=segment")
    assert page.locator("tbody tr").count() == 2
    busy = page.get_by_role("row").filter(has_text="gpu-node-1")
    expect(busy).to_contain_text("NVIDIA H100")
    expect(busy).to_contain_text("prostate on TCGA-SKCM")
    expect(busy.locator(".state")).to_have_text("busy")
    expect(page.get_by_role("row").filter(has_text="gpu-node-2").locator(".state")).to_have_text("silent")

    page.get_by_role("button", name="Drain segment-71@gpu-node-1").click()

    expect(page.get_by_role("status")).to_be_focused()
    expect(busy.locator(".state")).to_have_text("draining")
    page.get_by_role("button", name="Let it work segment-71@gpu-node-1").click()
    expect(busy.locator(".state")).to_have_text("busy")


def test_segmenters_show_their_cards_in_the_colours_of_their_classes(study: SmallStudy, sign_in: SignIn) -> None:
    card = load_shipped_cards()["lung"]
    page = sign_in("view")
    page.goto("/segmenters?q=lung")
    page.get_by_role("link", name=card.title).click()

    assert page.locator("tbody th").all_inner_texts() == [tissue.name for tissue in card.scheme.classes]
    detailed = page.locator("td[data-label=Detailed] rect")
    wanted = [f"rgb({','.join(map(str, tissue.detailed_rgb))})" for tissue in card.scheme.classes]
    assert [each.get_attribute("fill") for each in detailed.all()] == wanted
    assert "mixed precision was not measured" in page.locator("main").inner_text()
    page.get_by_role("link", name="Its class maps").click()
    assert page.locator("#segmenter").input_value() == "lung"
