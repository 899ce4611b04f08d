"""The scoring page as a test drives it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import time
from typing import Any
from uuid import UUID

from playwright.sync_api import Locator, Page, Request, expect

PLACES = """() => pantile.panes.all.map(pane => pane.viewer.isOpen ? pane.viewer.place() : null)"""
LOADED = """() => pantile.reading && pantile.panes.all.every(({isReference, state, viewer}) => {
    const roi = pantile.reading.case.roi.tiles, map = state?.output.tiles;
    const {world} = viewer.osd, shown = isReference ? (roi ? 1 : 0) : map ? (roi ? 2 : 1) : 0;
    return world.getItemCount() === shown
        && Array.from({length: shown}, (_, at) => world.getItemAt(at)).every(item => item.getFullyLoaded());
})"""
"""Every pane has what it is to show of the open case, tiles and all."""

RESTING = """() => pantile.panes.all.every(({viewer}) => {
    if (!viewer.isOpen) return true;
    const {viewport, container} = viewer.osd, size = viewport.getContainerSize();
    return viewport.getZoom() === viewport.getZoom(true) && viewport.getCenter().equals(viewport.getCenter(true))
        && size.x === container.clientWidth && size.y === container.clientHeight;
})"""
"""No pane moves, and each viewer has the size of its element."""

ELSEWHERE = """([name, before]) => {
    const {zoom, x, y} = pantile.panes.all.find(pane => pane.name === name).viewer.place();
    return zoom !== before.zoom || x !== before.x || y !== before.y;
}"""

HELD_S = 1.0
"""How long a key is held to look, in its events' own times: nobody waits."""

SHIFT, CTRL, ALT, META = 8, 2, 1, 4
"""Modifiers, as Chromium's protocol counts them."""


class ScoringPage:
    """A tab with the scoring page in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[str] = []
        """The outputs for which scores were sent, in order."""
        page.on("request", self._note)
        self._protocol = page.context.new_cdp_session(page)

    def _note(self, request: Request) -> None:
        if request.method == "PUT" and "/scores/" in request.url:
            self.sent.append(request.url.rpartition("/")[2])

    def go_to(self, assignment: UUID) -> None:
        """Opens a case by its address."""
        self.page.goto(f"/score/{assignment}")

    def wait_until_open(self) -> None:
        """Waits until all panes show their tiles."""
        self.page.wait_for_function("() => window.pantile?.reading")
        self.page.wait_for_function(LOADED)

    def wait_until_saved(self) -> None:
        """Waits until nothing is on its way any more."""
        expect(self.page.locator(".state")).to_have_text("Saved")

    def pane(self, name: str) -> Locator:
        """A pane by its name, `A` or `H&E`."""
        return self.page.locator(f'[data-pane="{name}"]')

    @property
    def scores(self) -> list[int | None]:
        """What the panes hold, in their order."""
        held: list[int | None] = self.page.evaluate("pantile.reading.panes.map(pane => pane.held.value)")
        return held

    def wait_for_scores(self, *values: int | None) -> None:
        """Waits until the first panes hold these: a dialog's answer is taken after the press that gives it."""
        held = "values => values.every((value, at) => pantile.reading.panes[at].held.value === value)"
        self.page.wait_for_function(held, arg=list(values))

    @property
    def active(self) -> str:
        """The name of the active pane."""
        name: str = self.page.evaluate("pantile.reading.panes[pantile.reading.active].name")
        return name

    def wait_for_active(self, name: str) -> None:
        """Waits until a pane is the active one."""
        self.page.wait_for_function("name => pantile.reading.panes[pantile.reading.active].name === name", arg=name)

    @property
    def places(self) -> list[Any]:
        """Where each open pane is: zoom, x, y."""
        return [place for place in self.page.evaluate(PLACES) if place is not None]

    @property
    def key(self) -> UUID:
        """The open case."""
        return UUID(self.page.evaluate("pantile.reading.case.key"))

    def press(self, *keys: str) -> None:
        """Presses keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def press_as(self, key: str, code: str, *, modifiers: int = 0, repeats: int = 0) -> None:
        """Presses a key as another keyboard has it: what is printed on it, and where it is; held for some repeats."""
        event: dict[str, Any] = {"key": key, "code": code, "modifiers": modifiers}
        for repeat in range(repeats + 1):
            self._protocol.send("Input.dispatchKeyEvent", event | {"type": "rawKeyDown", "autoRepeat": repeat > 0})
        self._protocol.send("Input.dispatchKeyEvent", event | {"type": "keyUp"})

    def tap(self, key: str, code: str) -> None:
        """Presses a key for no time at all, however slow the machine is."""
        at = time()
        self._send_key("rawKeyDown", key, code, at=at)
        self._send_key("keyUp", key, code, at=at)

    @contextmanager
    def holding(self, key: str, code: str) -> Iterator[None]:
        """Holds a key for as long as it takes to count as held, by the times that its events carry."""
        self._send_key("rawKeyDown", key, code, at=time())
        yield
        self._send_key("keyUp", key, code, at=time() + HELD_S)

    def _send_key(self, kind: str, key: str, code: str, *, at: float) -> None:
        self._protocol.send("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": code, "timestamp": at})

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Touches the screen with some fingers: `start`, `move` or `end`."""
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._protocol.send("Input.dispatchTouchEvent", {"type": f"touch{kind.title()}", "touchPoints": touches})

    def pinch(self, x: float, y: float, *, apart_px: float) -> None:
        """Puts two fingers on the screen, and draws each of them that far from the other."""
        self.touch("start", (x - 40, y), (x + 40, y))
        for step in range(1, 6):
            self.touch("move", (x - 40 - apart_px * step / 5, y), (x + 40 + apart_px * step / 5, y))
        self.touch("end")

    def centre_of(self, name: str, *, right: float = 0, down: float = 0) -> tuple[float, float]:
        """The middle of a pane's image on the screen, or beside it."""
        box = self.pane(name).locator(".osd").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2 + down

    def click_image(self, name: str) -> None:
        """Clicks into a pane's image."""
        self.page.mouse.click(*self.centre_of(name))

    def score_button(self, name: str, value: int) -> Locator:
        """One of a pane's eleven buttons."""
        return self.pane(name).get_by_role("radio").nth(value)

    def rest(self) -> None:
        """Waits until nothing moves any more."""
        self.page.wait_for_function(RESTING)

    @contextmanager
    def moving(self, name: str) -> Iterator[None]:
        """What is done meanwhile moves a pane: waits until it has, and until nothing moves any more."""
        before = self.page.evaluate("name => pantile.panes.all.find(pane => pane.name === name).viewer.place()", name)
        yield
        self.page.wait_for_function(ELSEWHERE, arg=[name, before])
        self.rest()

    def announced(self, text: str, *, how: str = "polite") -> None:
        """Waits until something was said."""
        expect(self.page.locator(f'[data-says="{how}"]')).to_contain_text(text)

    def type_scores(self, values: Sequence[int]) -> None:
        """Scores one pane after the other, as a person does."""
        self.press(*("Minus" if value == 10 else f"Digit{value}" for value in values))
