"""The gallery in the browser: what is painted where, in which colours, and how one gets about in it."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

from pantile.cards import load_shipped_cards
from pantile.catalog.database import Database
from pantile.domain.legends import LegendPalette, colours_of
from tests.e2e.scoring.conftest import TABLET, SignIn
from tests.study_fixture import MAP_HEIGHT_PX, MAP_WIDTH_PX, ROIS, SmallStudy, class_map_of, image_of

LUNG = 2
"""The place of the segmenter lung in the fixture."""

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
