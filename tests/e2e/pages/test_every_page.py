"""Every page for whoever runs cohorts: readable by everybody, on every screen, and reached from the bar on top."""

import pytest
from playwright.sync_api import ViewportSize

from pantile.catalog.database import Database
from tests.e2e.pages.trouble import make_trouble
from tests.e2e.scoring.conftest import DESKTOP, PHONE, TABLET, Axe, SignIn
from tests.e2e.scoring.test_pages import SMALL, TOO_WIDE
from tests.study_fixture import SmallStudy

AT_200_PERCENT: ViewportSize = {"width": 640, "height": 512}
"""What a screen of 1280 px shows at 200 %."""

PAGES = (
    "/cohorts",
    "/cohorts?state=cancelled",
    "/cohorts/TCGA-SKCM",
    "/gallery?cohort=TCGA-SKCM",
    "/gallery?cohort=TCGA-LUAD&segmenter=lung&colours=detailed",
    "/gallery?q=none",
    "/gallery/1",
    "/gallery/1?size=large",
    "/failures",
    "/failures?cohort=TCGA-LUAD",
    "/failures/SegmenterBroken",
    "/segmenters",
    "/segmenters/lung",
    "/workers",
    "/submit",
)
WAYS = {
    "admin": ["Cohorts", "Gallery", "Failures", "Segmenters", "Workers", "Submit", "Slides", "Studies"],
    "view": ["Cohorts", "Gallery", "Failures", "Segmenters", "Workers", "Slides", "Studies"],
    "r1": ["Studies"],
}


def test_pages_are_axe_clean_and_fit_every_screen(
    study: SmallStudy, sign_in: SignIn, axe: Axe, database: Database
) -> None:
    """Nothing that axe finds, targets of 24 and 44 px, nothing to scroll sideways at 320 px, and at 200 %."""
    make_trouble(database)
    page = sign_in("admin")
    for path in PAGES:
        page.goto(path)
        assert axe(page) == [], path
        assert page.evaluate(SMALL, 24) == [], path
        page.set_viewport_size(TABLET)
        assert page.evaluate(SMALL, 44) == [], path
        for size in (AT_200_PERCENT, PHONE):
            page.set_viewport_size(size)
            assert page.evaluate(TOO_WIDE) == 0, (path, size)
        page.set_viewport_size(DESKTOP)


@pytest.mark.parametrize("account", WAYS)
def test_the_bar_leads_where_an_account_may_go(study: SmallStudy, sign_in: SignIn, account: str) -> None:
    page = sign_in(account)

    bar = page.get_by_role("navigation", name="Pantile").get_by_role("link")

    assert bar.all_inner_texts() == WAYS[account]
    for address in [link.get_attribute("href") for link in bar.all()]:
        page.goto(str(address))
        assert page.get_by_role("heading", level=1).count() == 1, address
        assert bar.and_(page.locator("[aria-current=page]")).get_attribute("href") == address
