"""The scoring app in a real browser: Debian's Chromium, the real web service, PostgreSQL and S3, and a small study."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from pantile.catalog.database import Connection, Database
from pantile.catalog.pyramids import Pyramid, keep_pyramid
from pantile.objects import ObjectStore
from pantile.settings import Settings
from pantile_workers.imaging.pyramids import make_pyramid
from tests.conftest import ROOT, own_database
from tests.e2e.scoring.page import ScoringPage
from tests.study_fixture import PASSWORD, SmallStudy, make_study
from tests.study_fixture import sign_in as open_session_of

DESKTOP: ViewportSize = {"width": 1920, "height": 1080}
TABLET: ViewportSize = {"width": 820, "height": 1180}
PHONE: ViewportSize = {"width": 320, "height": 700}

OpenBrowser = Callable[..., Page]
SignIn = Callable[..., Page]
Axe = Callable[[Page], list[str]]
OpenCase = Callable[..., ScoringPage]

_AXE = ROOT / "services/pantile/web/viewer/node_modules/axe-core/axe.min.js"
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_REFUSED = "Content Security Policy"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """How Chromium is started; skips, naming it, where there is none."""
    names = (os.environ.get("PANTILE_CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("needs Chromium: infra/setup/chromium.sh installs it, or PANTILE_CHROMIUM names one")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    return {**browser_type_launch_args, "executable_path": found, "args": flags}


@pytest.fixture(scope="session")
def made_study(servers: Settings) -> Iterator[tuple[Settings, SmallStudy]]:
    """The small study with the pyramids of its images, but of the one that cannot have any; copied for each test."""
    with own_database(servers) as settings:
        objects = ObjectStore.from_settings(settings.model_copy(update={"s3_bucket": "scoring"}))
        objects.create_bucket()
        database = Database.from_settings(settings, application="pantile tests")
        study = make_study(database, objects)
        make_pyramids(database, objects)
        database.close()
        yield settings, study


@pytest.fixture
def settings(made_study: tuple[Settings, SmallStudy], servers: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a database with the study in it that belongs to this test, and of the bucket that all share."""
    template = made_study[0].database_url.get_secret_value().rpartition("/")[2]
    with own_database(servers, template=template) as own:
        yield own.model_copy(update={"s3_bucket": "scoring", "home": tmp_path, "lease_s": 3.0})


@pytest.fixture
def study(made_study: tuple[Settings, SmallStudy]) -> SmallStudy:
    """The small study."""
    return made_study[1]


def make_pyramids(database: Database, objects: ObjectStore) -> None:
    """What an imaging worker does when a study takes its ROIs in."""
    with database.transaction() as connection, tempfile.TemporaryDirectory() as folder:
        for image in connection.execute("SELECT sha256, object_key FROM images ORDER BY sha256").fetchall():
            if objects.size(image["object_key"]) is None:
                _note_failure(connection, image["sha256"])
                continue
            original, target = Path(folder) / "image", Path(folder) / "pyramid.szi"
            objects.fetch(image["object_key"], original, sha256=image["sha256"])
            facts = make_pyramid(original, target)
            stored = objects.put_file("pyramids", target, media_type="application/zip")
            made = Pyramid(object_key=stored.key, sha256=stored.sha256, bytes=stored.bytes, **asdict(facts))
            keep_pyramid(connection, image["sha256"], made)
    with database.transaction() as connection:
        connection.execute("DELETE FROM chores WHERE kind = 'pyramid' AND state = 'waiting'")


def _note_failure(connection: Connection, sha256: str) -> None:
    connection.execute(
        """
        INSERT INTO chores (kind, roi_id, state, error_kind, error, finished_at)
        SELECT 'pyramid', id, 'failed', 'ObjectMissing', 'the image is not there', now()
        FROM rois WHERE image_sha256 = %s
        ON CONFLICT (kind, roi_id) DO UPDATE SET state = 'failed', error = excluded.error
        """,
        [sha256],
    )


@pytest.fixture
def open_page(browser: Browser, web_url: str) -> Iterator[OpenBrowser]:
    """Opens a page in a browser of its own: `open_page(viewport=TABLET)`; what the policy refuses fails the test."""
    contexts: list[BrowserContext] = []
    refused: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if _REFUSED in message.text:
            refused.append(message.text)

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"base_url": web_url, "viewport": DESKTOP, **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not refused, "the page asks for what its own policy forbids"


@pytest.fixture
def sign_in(open_page: OpenBrowser) -> SignIn:
    """Signs an account in through the page, as people do: `sign_in("r1")` gives its first page."""

    def sign_in(account: str, *, password: str = PASSWORD, **options: Any) -> Page:
        page = open_page(**options)
        page.goto("/auth/login")
        page.get_by_label("Account").fill(account)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "/auth/" not in address)
        return page

    return sign_in


@pytest.fixture
def open_case(open_page: OpenBrowser, web_url: str, database: Database, study: SmallStudy) -> OpenCase:
    """Opens R1's case of an ROI in a browser of its own, and waits for its tiles: `open_case(0, viewport=TABLET)`."""

    def open_case(roi: int = 0, *, account: str = "r1", is_ready: bool = True, **options: Any) -> ScoringPage:
        scoring = ScoringPage(open_page(**options))
        secret = open_session_of(database, study.accounts[account])
        scoring.page.context.add_cookies([{"name": "pantile-session", "value": secret, "url": web_url}])
        scoring.go_to(study.assignments[account][roi])
        if is_ready:
            scoring.wait_until_open()
        return scoring

    return open_case


@pytest.fixture(scope="session")
def axe() -> Axe:
    """What axe-core finds wrong with a page by WCAG 2.2 A and AA: a line for each place, none where all is well."""
    assert _AXE.exists(), "axe-core comes with what the scoring page is built from: run `make setup`"
    source = _AXE.read_text("utf-8")

    def check(page: Page) -> list[str]:
        page.evaluate(source)
        found = page.evaluate(
            "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})",
            list(_RULES),
        )
        return [
            f"{violation['id']}: {' '.join(node['target'])}: {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    return check
