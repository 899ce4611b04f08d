"""The gallery in the browser: what is painted where, in which colours, and how one gets about in it."""

import re
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from pantile.cards import load_shipped_cards
from pantile.catalog.database import Database
from pantile.domain.legends import LegendPalette, colours_of
from tests.e2e.scoring.conftest import DESKTOP, TABLET, SignIn
from tests.study_fixture import (
    MAP_HEIGHT_PX,
    MAP_WIDTH_PX,
    ROI_MPP,
    ROI_WIDTH_PX,
    ROIS,
    SmallStudy,
    class_map_of,
    image_of,
)

LUNG = 2
"""The place of the segmenter lung in the fixture."""

TILE = re.compile(r"/gallery/images/[0-9a-f]{64}/\d+/\d+_\d+\.jpg$")
CENTRE = "pantile.osd.viewport.getCenter().x"
CORNERS = """() => {
    const {world, viewport} = pantile.osd;
    const {x, y, width, height} = viewport.viewportToViewerElementRectangle(world.getItemAt(0).getBounds(true));
    return [x, y, x + width, y + height];
}"""
"""Left, top, right and bottom of the image on the screen."""

DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))))"
ZOOM = "pantile.osd.viewport.getZoom()"
LAID = """() => window.pantile?.osd.world.getItemCount() === 2
    && [0, 1].every(at => pantile.osd.world.getItemAt(at).getFullyLoaded())"""
"""The image and the class map are there, tiles and all."""

TOLERANCE = 12
"""JPEG's, and that of pictures which are drawn at another size."""


def _job(database: Database, roi: int, segmenter: str = "lung") -> int:
    with database.transaction() as connection:
        row = connection.execute(
            """
            SELECT j.id FROM jobs j JOIN segmenters s ON s.id = j.segmenter_id JOIN cohort_jobs cj ON cj.job_id = j.id
            JOIN rois r ON r.id = cj.roi_id WHERE r.slide = %s AND r.tissue_type = %s AND s.name = %s
            """,
            [ROIS[roi].slide, ROIS[roi].tissue_type, segmenter],
        ).fetchone()
        assert row is not None
        return int(row["id"])


def _painted(page: Page) -> NDArray[np.uint8]:
    """(225, 300, 3): the picture as it is on the screen, at the class map's size."""
    page.wait_for_load_state("networkidle")
    shot = Image.open(BytesIO(page.locator("svg.picture").screenshot())).convert("RGB")
    return np.asarray(shot.resize((MAP_WIDTH_PX, MAP_HEIGHT_PX), Image.Resampling.BOX))


def _zoomed(page: Page) -> NDArray[np.uint8]:
    """(225, 300, 3): the whole ROI as the zoomed picture shows it, at the class map's size."""
    page.evaluate(DRAWN)
    shot = Image.open(BytesIO(page.locator("#picture .osd").screenshot())).convert("RGB")
    corners = page.evaluate(CORNERS)
    return np.asarray(shot.crop(corners).resize((MAP_WIDTH_PX, MAP_HEIGHT_PX), Image.Resampling.BOX))


def _blocks(picture: NDArray[np.generic]) -> NDArray[np.float64]:
    """(7, 12, 3): the mean colours within the fixture's blocks of 25 pixels, but for those below the scale bar."""
    blocks = picture[:175].astype(np.float64).reshape(7, 25, 12, 25, 3)
    means: NDArray[np.float64] = blocks[:, 5:20, :, 5:20].mean(axis=(1, 3))
    return means


def test_class_maps_lie_over_the_image_in_the_colours_of_the_legend(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    card = load_shipped_cards()["lung"]
    class_map = class_map_of(card, 0, LUNG)
    image = Image.fromarray(image_of(0)).resize((MAP_WIDTH_PX, MAP_HEIGHT_PX), Image.Resampling.BOX)
    page = sign_in("view", viewport=TABLET)

    for palette in LegendPalette:
        page.goto(f"/gallery/{_job(database, 0)}?colours={palette}&opacity=100")
        colours = colours_of(card.scheme, palette)
        assert page.locator(".areas .swatch rect").all()[1].get_attribute("fill") == "#{:02x}{:02x}{:02x}".format(
            *(colours[1] or ())
        )
        table = np.array([colour or (-1, -1, -1) for colour in colours])
        wanted = _blocks(table[class_map])
        expected = np.where(wanted < 0, _blocks(np.asarray(image)), wanted)
        assert np.abs(_blocks(_painted(page)) - expected).max() <= TOLERANCE, palette

    page.get_by_label("H&E alone").check()
    assert np.abs(_blocks(_painted(page)) - _blocks(np.asarray(image))).max() <= TOLERANCE
    assert page.locator("svg.picture text").inner_html() == "50 µm"


def test_a_large_picture_is_zoomed_into_with_tiles_of_the_image_and_the_class_map_over_them(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    page = sign_in("view", viewport=DESKTOP)
    page.goto(f"/gallery/{_job(database, 0)}")

    with page.expect_response(TILE):
        page.get_by_role("link", name="Look closely").click()
    page.wait_for_function(LAID)

    card = load_shipped_cards()["lung"]
    image = _blocks(
        np.asarray(Image.fromarray(image_of(0)).resize((MAP_WIDTH_PX, MAP_HEIGHT_PX), Image.Resampling.BOX))
    )
    table = np.array([colour or (-1, -1, -1) for colour in colours_of(card.scheme, LegendPalette.ACCESSIBLE)])
    wanted = _blocks(table[class_map_of(card, 0, LUNG)])
    page.get_by_label("100 %").check()
    assert np.abs(_blocks(_zoomed(page)) - np.where(wanted < 0, image, wanted)).max() <= TOLERANCE
    page.get_by_label("H&E alone").check()
    assert np.abs(_blocks(_zoomed(page)) - image).max() <= TOLERANCE


def test_a_large_picture_is_zoomed_and_moved_by_buttons_and_keys_and_its_bar_tells_true(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    page = sign_in("view", viewport=DESKTOP)
    page.goto(f"/gallery/{_job(database, 0)}?size=large")
    page.wait_for_function(LAID)
    whole, x = page.evaluate(ZOOM), page.evaluate(CENTRE)

    page.locator("#picture").focus()
    page.keyboard.press("+")
    page.get_by_role("button", name="Closer").click()
    page.wait_for_function(f"() => {ZOOM} > {whole} * 2")
    page.locator("#picture").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => {CENTRE} > {x}")
    page.wait_for_function("() => pantile.osd.viewport.getZoom() === pantile.osd.viewport.getZoom(true)")

    shown_um = ROI_MPP * page.evaluate("pantile.osd.viewport.getBounds(true).width") * ROI_WIDTH_PX
    microns_per_px = shown_um / page.evaluate("pantile.osd.viewport.getContainerSize().x")
    told_um = float(page.locator(".zoom-bar").inner_text().split(" ")[0])
    box = page.locator(".zoom-length").bounding_box()
    assert box is not None
    assert box["width"] * microns_per_px == pytest.approx(told_um, rel=0.02)
    page.get_by_role("button", name="All of it").click()
    page.wait_for_function(f"() => Math.abs({ZOOM} / {whole} - 1) < 0.01")


def test_a_large_picture_is_scrolled_where_no_script_runs(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    page = sign_in("view", java_script_enabled=False)
    page.goto(f"/gallery/{_job(database, 0)}?size=large")

    assert page.get_by_role("group", name="Picture, to be scrolled").locator("svg.picture").is_visible()


def test_a_result_tells_areas_and_leads_to_other_segmenters_and_rois(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    page = sign_in("view")
    page.goto("/gallery?cohort=TCGA-SKCM&segmenter=lung")

    page.get_by_role("link", name=f"{ROIS[0].slide}_tumor").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"{ROIS[0].slide}_tumor")
    shares = [float(each.removesuffix(" %")) for each in page.locator(".areas td:last-child").all_inner_texts()]
    assert abs(sum(shares) - 100) < 1
    page.get_by_role("navigation", name="Segmenters").get_by_role("link").nth(1).click()
    page.wait_for_url(f"**/gallery/{_job(database, 0, 'colon')}?**")
    page.get_by_role("link", name="Next ROI").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{ROIS[1].slide}_tumor")
    page.get_by_role("link", name="ROI before").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{ROIS[0].slide}_tumor")


def test_the_gallery_is_filtered_and_its_address_can_be_shared(study: SmallStudy, sign_in: SignIn) -> None:
    page = sign_in("view")
    page.goto("/gallery?cohort=TCGA-SKCM")
    assert page.locator("main h2").count() == 6
    assert page.locator(".pictures li").count() == 29  # one output is missing
    page.get_by_role("link", name="Further ROIs").click()
    assert page.locator("main h2").all_inner_texts() == [f"{ROIS[0].slide}_normal"]

    page.locator("#segmenter").select_option("prostate")
    page.locator("#tissue").select_option("tumor")
    page.get_by_role("button", name="Show").click()
    assert page.locator(".pictures li").count() == 5
    page.goto(page.url)
    assert page.locator("#segmenter").input_value() == "prostate"
    assert page.locator(".pictures li").count() == 5
    page.get_by_label("Part of the ROI's name").fill("nothing like it")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Show all ROIs of TCGA-SKCM").click()
    assert page.locator("main h2").count() == 6


def test_an_image_that_has_no_tiles_yet_is_asked_for_and_comes_by_itself(
    study: SmallStudy, sign_in: SignIn, database: Database
) -> None:
    with database.transaction() as connection:
        kept = connection.execute(
            "DELETE FROM pyramids WHERE image_sha256 = (SELECT image_sha256 FROM rois "
            "WHERE slide = %s AND tissue_type = 'tumor') RETURNING *",
            [ROIS[0].slide],
        ).fetchone()
        assert kept is not None
    page = sign_in("view")
    page.goto(f"/gallery/{_job(database, 0)}")

    expect(page.get_by_text("The image is being made ready to be shown.")).to_be_visible()
    with database.transaction() as connection:
        asked = connection.execute("SELECT kind FROM chores WHERE state = 'waiting'").fetchall()
        names = ", ".join(kept)
        connection.execute(
            f"INSERT INTO pyramids ({names}) VALUES ({', '.join(['%s'] * len(kept))})",  # noqa: S608 — its own columns
            list(kept.values()),
        )
    assert [each["kind"] for each in asked] == ["pyramid"]
    expect(page.locator("svg.picture image").first).to_have_attribute(
        "href", f"/gallery/images/{kept['image_sha256']}/view.jpg", timeout=20_000
    )
    page.goto(f"/gallery/{_job(database, 9)}")
    assert "its tiles could not be made" in page.locator("main").inner_text()
