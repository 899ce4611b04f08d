"""Times and memory of the scoring page in Chromium, with cases of the study's size: 12,500 x 10,000 px, five maps.

The numbers of the checks are those of docs/scoring.md; tests hold what can be counted, here is what has to be timed.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from pantile.catalog.database import Database
from pantile.catalog.pyramids import Pyramid, keep_pyramid
from pantile.catalog.schema import migrate
from pantile.class_map_files import encode_class_map
from pantile.cli.screen import say, show_table
from pantile.domain.class_maps import PaletteName
from pantile.domain.segmenters import card_from
from pantile.local.stack import Stack
from pantile.local.tissue import generate_region
from pantile.local.tissue_growth import Morphology
from pantile.objects import ObjectStore
from pantile_workers.benchmark.subject import STUDY_MPP, STUDY_SIZE_PX, write_roi
from pantile_workers.imaging.pyramids import make_pyramid
from tests.e2e.scoring.page import ScoringPage
from tests.serving import free_port, served
from tests.study_fixture import SEGMENTERS, SmallStudy, make_study, sign_in

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
_MIB = 1 << 20
_TOUR = ((0.2, 0.2), (0.5, 0.2), (0.8, 0.2), (0.8, 0.4), (0.5, 0.4), (0.2, 0.4), (0.2, 0.6), (0.5, 0.6), (0.8, 0.6))
"""Places that the tour looks at, in widths of the region, at one pixel of the screen a pixel."""

_CASES = 30
_DRAG_MOVES = 120

_GO = """([x, y]) => {
    const {osd} = pantile.panes.leader.viewer;
    const Point = osd.viewport.getCenter().constructor;
    pantile.panes.leader.viewer.zoomOneToOne();
    osd.viewport.panTo(new Point(x, y));
}"""

# A point of each pane where the class is seen; then from the click until none of these points has its colour.
_TOGGLE = """async ([name, colour]) => {
    const colourAt = ({canvas, at}) => canvas.getContext("2d").getImageData(at.x, at.y, 1, 1).data.slice(0, 3).join();
    const shows = (point) => colourAt(point) === colour;
    const points = pantile.panes.outputs.flatMap(({viewer}) => {
        const {canvas} = viewer.osd.drawer;
        for (let y = 4; y < canvas.height; y += 16) for (let x = 4; x < canvas.width; x += 16)
            if (shows({canvas, at: {x, y}})) return [{canvas, at: {x, y}}];
        return [];
    });
    const box = [...document.querySelectorAll("[role=checkbox]")].find(each => each.textContent.includes(name));
    const began = performance.now();
    box.click();
    while (points.some(shows)) await new Promise(requestAnimationFrame);
    const took = performance.now() - began;
    box.click();
    return [points.length, took];
}"""

_COUNT_FRAMES = """() => {
    window.frames_seen = 0;
    window.counting = true;
    const count = () => { window.frames_seen++; if (window.counting) requestAnimationFrame(count); };
    requestAnimationFrame(count);
    window.began = performance.now();
}"""
_FRAMES_A_SECOND = (
    "() => { window.counting = false; return 1000 * window.frames_seen / (performance.now() - window.began); }"
)


def measure_viewing(*, is_quick: bool) -> None:
    """Opens, tours, toggles and drags cases of the study's size, and prints what that takes."""
    found = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if found is None:
        sys.exit("No Chromium here: infra/setup/chromium.sh installs it.")
    with tempfile.TemporaryDirectory(prefix="pantile-web-") as home, Stack(Path(home), processes=[]) as stack:
        settings = stack.settings()
        migrate(settings.database_url.get_secret_value())
        database = Database.from_settings(settings, application="pantile bench")
        objects = ObjectStore.from_settings(settings)
        objects.create_bucket()
        study = make_study(database, objects)
        _enlarge(database, objects)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with served(settings, port), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
            try:
                page = _open(browser, url, sign_in(database, study.accounts["r1"]))
                _print(_measure(browser, page, study, cases=_CASES // 5 if is_quick else _CASES))
            finally:
                browser.close()
        database.close()


def _enlarge(database: Database, objects: ObjectStore) -> None:
    """Gives all ROIs one generated image of the study's size, and each segmenter a class map of it."""
    with tempfile.TemporaryDirectory() as folder:
        image, target = Path(folder) / "roi.jpg", Path(folder) / "pyramid.szi"
        write_roi(image)
        facts = make_pyramid(image, target)
        stored = objects.put_file("pyramids", target, media_type="application/zip")
    pyramid = Pyramid(object_key=stored.key, sha256=stored.sha256, bytes=stored.bytes, **asdict(facts))
    width_px, height_px = (int(length * STUDY_MPP) for length in STUDY_SIZE_PX)
    tissue = generate_region(Morphology.GLANDULAR, seed=11, width_px=width_px, height_px=height_px, mpp=1.0)
    with database.transaction() as connection:
        connection.execute("UPDATE images SET width_px = %s, height_px = %s", STUDY_SIZE_PX)
        for row in connection.execute("SELECT sha256 FROM images").fetchall():
            keep_pyramid(connection, row["sha256"], pyramid)
        for row in connection.execute("SELECT id, card FROM segmenters ORDER BY id").fetchall():
            scheme = card_from(row["card"]).scheme
            class_map = np.roll(tissue.class_map, 40 * row["id"], axis=1) % len(scheme)
            data = encode_class_map(class_map.astype(np.uint8), scheme.palette(PaletteName.SIMPLIFIED))
            key = f"class-maps/large-{row['id']}.png"
            objects.put(key, data, media_type="image/png")
            connection.execute(
                """
                UPDATE class_maps SET object_key = %s, sha256 = %s, bytes = %s, width_px = %s, height_px = %s,
                    extent_width_px = %s, extent_height_px = %s
                FROM jobs WHERE jobs.id = class_maps.job_id AND jobs.segmenter_id = %s
                """,
                [key, sha256(data).hexdigest(), len(data), width_px, height_px, *STUDY_SIZE_PX, row["id"]],
            )
        connection.execute("UPDATE outputs SET sha256 = c.sha256 FROM class_maps c WHERE c.job_id = outputs.job_id")


def _open(browser: Browser, url: str, secret: str) -> Page:
    context = browser.new_context(base_url=url, viewport={"width": 1920, "height": 1080})
    context.set_default_timeout(60_000)
    context.add_cookies([{"name": "pantile-session", "value": secret, "url": url}])
    return context.new_page()


def _measure(browser: Browser, page: Page, study: SmallStudy, *, cases: int) -> list[tuple[str, str, str]]:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    scoring = ScoringPage(page)
    first_s = _timed(lambda: _show(scoring, study))
    at_first = len(requests)
    next_s = [_timed(lambda: _turn(scoring, "ArrowRight")) for _ in range(4)]
    memory = _Memory(browser)
    before = memory.read()
    for place in _TOUR:
        page.evaluate(_GO, list(place))
        scoring.rest()
        scoring.wait_until_open()
    after_tour = memory.read()
    for step in range(cases):
        _turn(scoring, "ArrowRight" if step // 4 % 2 else "ArrowLeft")
        if step == cases // 3:
            settled = memory.read()
    after_cases = memory.read()
    _show(scoring, study)
    toggles = _toggle(scoring)
    return [
        ("8", "the first case, from its address until all is seen", f"{first_s:.2f} s (2 s), {at_first} requests (80)"),
        ("8", "the next case, until all is seen", f"{statistics.median(next_s):.2f} s"),
        (
            "8",
            "growth of the renderer over a tour of nine places at 1:1",
            f"{(after_tour - before) / _MIB:.0f} MiB (800)",
        ),
        ("8", f"growth of the renderer over {cases - cases // 3} cases", f"{after_cases / settled - 1:+.0%} (15 %)"),
        ("5", "a class vanishes from all panes, median", f"{statistics.median(toggles):.0f} ms (150 ms)"),
        ("9", "frames while the region is dragged", f"{_drag(scoring):.0f} a second (25)"),
    ]


class _Memory:
    """What the renderer of a browser's page holds."""

    def __init__(self, browser: Browser) -> None:
        self._protocol = browser.new_browser_cdp_session()

    def read(self) -> int:
        """The memory of all renderers in bytes (resident, shared pages not counted)."""
        processes = self._protocol.send("SystemInfo.getProcessInfo")["processInfo"]
        renderers = [process["id"] for process in processes if process["type"] == "renderer"]
        return sum(_private_bytes(process) for process in renderers)


def _private_bytes(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def _timed(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _show(scoring: ScoringPage, study: SmallStudy) -> None:
    scoring.go_to(study.assignments["r1"][0])
    scoring.wait_until_open()


def _turn(scoring: ScoringPage, key: str) -> None:
    """Goes to the case beside this one, and waits until all of it is seen."""
    before = scoring.key
    scoring.press(key)
    scoring.page.wait_for_function("key => pantile.reading.case.key !== key", arg=str(before))
    scoring.wait_until_open()


def _toggle(scoring: ScoringPage) -> list[float]:
    """Milliseconds from the click that hides a class until no pane shows it, ten times."""
    scoring.page.get_by_label("Opacity of masks").fill("100")
    found = []
    for _ in range(10):
        scoring.page.wait_for_timeout(500)  # what the click before has brought back is painted
        panes, took = scoring.page.evaluate(_TOGGLE, ["Tumor", "0,0,255"])
        assert panes == len(SEGMENTERS), f"the class is seen in {panes} panes"
        found.append(took)
    return found


def _drag(scoring: ScoringPage) -> float:
    """Frames a second while the mouse drags a region at one pixel a pixel."""
    scoring.page.evaluate(_GO, [0.5, 0.4])
    scoring.rest()
    scoring.wait_until_open()
    x, y = scoring.centre_of("H&E")
    mouse = scoring.page.mouse
    mouse.move(x, y)
    mouse.down()
    scoring.page.evaluate(_COUNT_FRAMES)
    for move in range(_DRAG_MOVES):
        mouse.move(x + 150 * np.sin(move / 15), y + 100 * np.cos(move / 15))
    frames: float = scoring.page.evaluate(_FRAMES_A_SECOND)
    mouse.up()
    return frames


def _print(found: Sequence[tuple[str, str, str]]) -> None:
    width_px, height_px = STUDY_SIZE_PX
    say(f"\nThe scoring page in Chromium, cases of {width_px:,} x {height_px:,} px; aims in brackets")
    show_table(("check", "what", "measured (aim)"), found)
