"""The tutorial, followed: its commands in order, as they stand there, on a system of their own, and the scoring."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from pantile.local.state import read_state
from tests.conftest import ROOT
from tests.e2e.scoring.conftest import DESKTOP, browser_type_launch_args
from tests.e2e.scoring.page import ScoringPage

__all__ = ["browser_type_launch_args"]

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)

WITHOUT_MAKE = ("make demo", "pantile demo")
"""What the target runs once it has installed; the rest of the tutorial is run as it stands there."""

IN_SENTENCES = ("pantile jobs explain ID", 'pantile release pilot --author "Jane Doe" --out archive')
"""Of the commands within sentences, those that need nothing which the blocks do not make."""

PASSWORD = "correct horse battery staple"
IMAGES = 2
SCORES = (7, 3, 5)


class Reader:
    """Somebody who follows the tutorial, in a folder of their own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = os.environ | {
            "PATH": path, "PANTILE_HOME": str(home), "PANTILE_DEVICE": "cpu", "COLUMNS": "200", "NO_COLOR": "1",
        }  # fmt: skip

    def types(self, block: str) -> str:
        """Runs commands, up to the first that fails; a password that is asked for is answered; gives what is shown."""
        script = block.replace(*WITHOUT_MAKE).replace("FOLDER", "images").replace(" ID", " 1")
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environment,
            input=f"{PASSWORD}\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def address(self) -> str:
        """Where the web service is."""
        state = read_state(self.home)
        assert state is not None
        return state.url("web")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader with an empty folder and no system yet; what they started is stopped in the end."""
    # Not below pytest's own folder, which other users cannot enter: as root, PostgreSQL runs as another.
    with tempfile.TemporaryDirectory(prefix="pantile-tutorial-") as home:
        reader = Reader(tmp_path, Path(home))
        try:
            yield reader
        finally:
            reader.types("pantile down")


def _take_images(reader: Reader) -> None:
    """A folder of images that are named as one likes: pieces of the demo's."""
    (reader.folder / "images").mkdir()
    for number, path in enumerate(sorted((reader.home / "demo").rglob("*_original.jpg"))[:IMAGES]):
        Image.open(path).crop((0, 0, 1600, 1200)).save(reader.folder / "images" / f"mine {number}.jpg")


def _score_all(browser: Browser, address: str) -> None:
    """Jane signs in, opens her first case and types a digit for each output, until no case is left."""
    page = browser.new_context(base_url=address, viewport=DESKTOP).new_page()
    scoring = ScoringPage(page)
    page.goto("/")
    page.get_by_label("Account").fill("jane")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Resume").click()
    for case in range(1, IMAGES + 1):
        expect(page.locator(".count")).to_have_text(f"Case {case} of {IMAGES}", timeout=15_000)
        scoring.wait_until_open()
        scoring.type_scores(SCORES)
        scoring.wait_for_scores(*SCORES)
        scoring.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Nothing left to score", timeout=15_000)
    page.context.close()


@pytest.mark.timeout(900)
def test_the_tutorial_leads_from_a_folder_of_images_to_the_report(reader: Reader, browser: Browser) -> None:
    start, submit, look, set_up, progress, report = BLOCKS

    reader.types(start)
    _take_images(reader)
    reader.types(submit)
    assert f"{IMAGES} of {IMAGES} ROIs stored" in reader.types(look)
    assert len(list((reader.folder / "results").rglob("*_class_map.png"))) == IMAGES * len(SCORES)
    assert f"{IMAGES} cases are assigned to jane" in reader.types(set_up)
    _score_all(browser, reader.address)
    assert f"{IMAGES} of {IMAGES}" in reader.types(progress)
    assert f"{IMAGES * len(SCORES)} scores of {IMAGES} ROIs" in reader.types(report)
    assert "pilot: analysis of scores" in (reader.folder / "report" / "report.html").read_text("utf-8")
    for command in IN_SENTENCES:
        assert f"`{command}`" in TUTORIAL
        reader.types(command)
    assert (reader.folder / "archive" / "ro-crate-metadata.json").is_file()
