"""Pages of slides in a real browser: the real web service, PostgreSQL, S3, and what an imaging worker does, by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from playwright.sync_api import Page

from pantile.catalog import cohorts, outbox, slides
from pantile.catalog.accounts import create_account
from pantile.catalog.database import Database
from pantile.catalog.slides import NewSlide
from pantile.domain.access import Role
from pantile.domain.messages import IngestRoi, InspectSlide, MakeSlidePyramid
from pantile.settings import Settings
from pantile.web.passwords import hash_password
from pantile_workers.chores import ingest_roi, inspect_one_slide, make_one_slide_pyramid
from pantile_workers.leasing import NotDone
from pantile_workers.runtime import Runtime
from tests.e2e.scoring.conftest import axe, browser_type_launch_args, open_page, sign_in
from tests.e2e.slides.page import SlidePage
from tests.study_fixture import PASSWORD

__all__ = ["axe", "browser_type_launch_args", "open_page", "sign_in"]

Work = Callable[[], None]
AddSlides = Callable[..., None]
OpenSlide = Callable[..., SlidePage]

WIDTH, HEIGHT, MPP = 9000, 6000, 1.0
PIECES = ((1000, 2500, 3500, 3000), (5200, 600, 2600, 2400))
"""Tissue: left, top, width, height in pixels of the slide, the larger one first; the rest is glass."""


@pytest.fixture(scope="session")
def slide_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyramidal TIFF at 1 mpp, on which the study's ROIs have 3,125 x 2,500 px."""
    pixels = np.full((HEIGHT, WIDTH, 3), 243, dtype=np.uint8)
    for left, top, width, height in PIECES:
        pixels[top : top + height, left : left + width] = (220, 130, 190)
    image = pyvips.Image.new_from_memory(pixels.tobytes(), WIDTH, HEIGHT, 3, "uchar").copy(interpretation="srgb")
    file = tmp_path_factory.mktemp("slides") / "slide.tif"
    per_mm = 1000 / MPP
    image.tiffsave(str(file), tile=True, pyramid=True, compression="deflate", xres=per_mm, yres=per_mm)
    return file


@pytest.fixture
def accounts(database: Database) -> None:
    """Two operators, and one who may only look."""
    password_hash = hash_password(PASSWORD)
    with database.transaction() as connection:
        for name, role in (("ann", Role.OPERATOR), ("bob", Role.OPERATOR), ("vera", Role.VIEWER)):
            create_account(connection, name, role=role, password_hash=password_hash, actor="test")


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """A worker's runtime."""
    with Runtime(settings.model_copy(update={"device": "cpu", "max_attempts": 2}), kind="test") as runtime:
        yield runtime


_CHORES: dict[type, Callable[[Runtime, Any], str]] = {
    InspectSlide: inspect_one_slide,
    MakeSlidePyramid: make_one_slide_pyramid,
    IngestRoi: ingest_roi,
}


@pytest.fixture
def work(database: Database, runtime: Runtime) -> Work:
    """Does all that is due of an imaging worker, once each."""

    def work() -> None:
        with database.transaction() as connection:
            due = outbox.due_chores(connection, limit=100)
        for message in due:
            try:
                _CHORES[type(message)](runtime, message)
            except NotDone:
                continue  # its row says so

    return work


@pytest.fixture
def add_slides(database: Database, work: Work) -> AddSlides:
    """Adds a file under some names to cohort C, and looks into it: `add_slides(file, "a", "b")`."""

    def add(file: Path, *names: str, is_looked_into: bool = True) -> None:
        new = [NewSlide(name=name, case="A", source=str(file)) for name in names]
        with database.transaction() as connection:
            cohort = cohorts.open_cohort(connection, "C")
            slides.add_slides(connection, cohort.id, new, actor="test")
        if is_looked_into:
            work()

    return add


@pytest.fixture
def open_slide(accounts: None, sign_in: Callable[..., Page]) -> OpenSlide:
    """Opens a slide's page in a browser of its own: `open_slide(1, account="bob")`."""

    def open_slide(slide_id: int = 1, *, account: str = "ann", **options: Any) -> SlidePage:
        page = SlidePage(sign_in(account, **options))
        page.go_to(slide_id)
        return page

    return open_slide
