"""Takes the pictures in docs/images from a running demo, which it scores first; `make screenshots`.

It gives the demo's accounts another password and leaves scores and a slide behind: for a demo in a home of its own.
`python -m tests.screenshots slides` takes those of slides only, which any stack with a segmenter will do for.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import httpx
from playwright.sync_api import Page, ViewportSize, sync_playwright

from pantile.client.api import ApiClient
from pantile.client.studies import StudiesClient
from pantile.domain.access import Role
from pantile.domain.readings import Purpose
from pantile.domain.studies import StudyRole
from pantile.local.demo_study import ADMIN, RATER, STUDY
from pantile.local.state import StackState, find_stack
from pantile.schemas.access import AccountIn, PasswordIn
from pantile.schemas.assignments import AssignIn
from pantile.schemas.slides import SlideIn, SlidesIn
from pantile.settings import Settings
from tests.generated_slide import write_slide

FOLDER = Path(__file__).parents[1] / "docs" / "images"
PASSWORD = "for the pictures only"
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1920, "height": 1080},
    "tablet": {"width": 820, "height": 1180},
}
OWN = f"/studies/{STUDY}"
UNSCORED = 2
PLACER = "pathologist"
SLIDE = "TCGA-DM-0001-01Z-00-DX1"
QUALITY = 72


def main() -> None:
    """Scores the demo, and takes the pictures."""
    stack = find_stack(Settings().home.expanduser().resolve())
    if stack is None:
        sys.exit("No demo runs here: `make demo` first.")
    _take_slides(stack)
    if sys.argv[1:] == ["slides"]:
        return
    with StudiesClient(stack.url("web"), token=stack.credentials.api_token) as client:
        for name in (RATER, ADMIN):
            client.set_password(name, PasswordIn(password=PASSWORD))
        client.set_member(STUDY, ADMIN, StudyRole.ADJUDICATOR)
        progress = {(each.account, each.purpose) for each in client.progress(STUDY).raters}
        _score(client.address, RATER, leave=UNSCORED)
        if (ADMIN, Purpose.SECOND) not in progress:
            client.assign(STUDY, AssignIn(rater=ADMIN, purpose=Purpose.SECOND))
        _score(client.address, ADMIN, leave=0)
        _take_all(client.address)


def _take_slides(stack: StackState) -> None:
    """Adds a slide of generated tissue, and takes the pictures of the pages on which rectangles are placed."""
    file = stack.home / f"{SLIDE}.tif"
    with ApiClient(stack.url("web"), token=stack.credentials.api_token) as client:
        if PLACER not in {each.name for each in client.accounts()}:
            client.create_account(AccountIn(name=PLACER, role=Role.OPERATOR, password=PASSWORD))
        if not file.exists():
            write_slide(file)
        client.add_slides("TCGA-DEMO", SlidesIn(slides=[SlideIn(source=str(file))]))
        slide = next(each for each in client.slides("TCGA-DEMO") if each.name == SLIDE)
    with (
        sync_playwright() as playwright,
        _signed_in(playwright, stack.url("web"), PLACER, SIZES["desktop"]) as page,
    ):
        page.goto(f"/slides/{slide.id}")
        page.wait_for_function("() => window.pantile?.stage.hasTiles", timeout=120_000)
        page.keyboard.press("t")
        page.wait_for_timeout(3000)
        page.screenshot(path=FOLDER / "slide-desktop.jpg", type="jpeg", quality=QUALITY)
        page.goto("/cohorts/TCGA-DEMO/slides")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=FOLDER / "slides-desktop.jpg", type="jpeg", quality=QUALITY)


def _score(address: str, account: str, *, leave: int) -> None:
    """Scores an account's cases but the last ones, each output about as well for both accounts."""
    with httpx.Client(base_url=address, timeout=60) as browser:
        page = browser.get("/auth/login").text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"name": account, "password": PASSWORD, "csrf_token": token}
        browser.post("/auth/login", data=form)
        browser.headers["X-CSRF-Token"] = browser.get("/v1/me").json()["csrf_token"]
        cases = browser.get(f"/v1/studies/{STUDY}/queue").json()["cases"]
        for listed in cases[: len(cases) - leave]:
            case = f"/v1/assignments/{listed['key']}"
            if listed["status"] == "done":
                continue
            browser.post(f"{case}/open").raise_for_status()
            for pane in browser.get(case).json()["panes"]:
                value = _verdict(pane["output"], account)
                etag = {"If-Match": f'"v{pane["score"]["version"]}"', "Idempotency-Key": str(uuid4())}
                browser.put(f"{case}/scores/{pane['output']}", json={"value": value}, headers=etag).raise_for_status()
            browser.post(f"{case}/timing", json={"active_ms": 24_000, "idle_ms": 0})
            browser.post(f"{case}/complete", json={}).raise_for_status()


def _verdict(output: str, account: str) -> int:
    """A score that follows from the output, and a little from who gives it."""
    base = sha256(output.encode()).digest()[0] % 11
    shift = sha256(f"{output} {account}".encode()).digest()[0] % 5 - 2
    return max(0, min(10, base + shift))


def _take_all(address: str) -> None:
    with sync_playwright() as playwright:
        for size, viewport in SIZES.items():
            with _signed_in(playwright, address, RATER, viewport) as page:
                _take(page, "/", f"home-{size}")
                _take(page, f"{OWN}/queue", f"queue-{size}")
                page.goto(f"{OWN}/resume")
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(3000)
                _shoot(page, f"score-{size}")
            with _signed_in(playwright, address, ADMIN, viewport) as page:
                for name in ("", "progress", "agreement", "adjudication", "audit", "export"):
                    _take(page, f"{OWN}/{name}".rstrip("/"), f"{name or 'study'}-{size}")


@contextmanager
def _signed_in(playwright: object, address: str, account: str, viewport: ViewportSize) -> Iterator[Page]:
    flags = ["--no-sandbox", "--disable-gpu"]
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)  # type: ignore[attr-defined]
    page: Page = browser.new_context(base_url=address, viewport=viewport, color_scheme="dark").new_page()
    page.goto("/auth/login")
    if account == RATER:
        _shoot(page, "sign-in-" + ("desktop" if viewport["width"] > 1000 else "tablet"))
    page.get_by_label("Account").fill(account)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/" not in url)
    try:
        yield page
    finally:
        browser.close()


def _take(page: Page, path: str, name: str) -> None:
    page.goto(path)
    _shoot(page, name)


def _shoot(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"scoring-{name}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main()
