"""The page of a slide as a test drives it."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

Rectangles = dict[str, tuple[int, int, int, int]]

_RECTANGLES = """() => Object.fromEntries(Object.entries(pantile.rectangles).map(
    ([tissue, {left_px, top_px, width_px, height_px}]) => [tissue, [left_px, top_px, width_px, height_px]]))"""
_LOADED = """() => Array.from({length: pantile.stage.osd.world.getItemCount()},
    (_, at) => pantile.stage.osd.world.getItemAt(at)).every(item => item.getOpacity() === 0 || item.getFullyLoaded())"""
_RESTING = """() => { const {viewport} = pantile.stage.osd;
    return viewport.getZoom() === viewport.getZoom(true) && viewport.getCenter().equals(viewport.getCenter(true)); }"""


class SlidePage:
    """A tab with a slide in it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go_to(self, slide_id: int) -> None:
        """Opens a slide by its address, and waits until its overview is seen."""
        self.page.goto(f"/slides/{slide_id}")
        self.wait_until_open()

    def wait_until_open(self) -> None:
        """Waits until the slide's picture and its tissue are there."""
        self.page.wait_for_function("() => window.pantile?.stage.osd.isOpen()")
        self.page.wait_for_function(_LOADED)

    @property
    def rectangles(self) -> Rectangles:
        """Left, top, width and height of the rectangles, in pixels of the slide."""
        found: dict[str, Any] = self.page.evaluate(_RECTANGLES)
        return {tissue: (sizes[0], sizes[1], sizes[2], sizes[3]) for tissue, sizes in found.items()}

    def rectangle(self, tissue: str) -> Locator:
        """A rectangle on the screen."""
        return self.page.locator(f'.rectangle[data-tissue="{tissue}"]')

    def part(self, tissue: str) -> Locator:
        """What the panel says of a rectangle."""
        return self.page.locator(f'.part[data-tissue="{tissue}"]')

    def button(self, name: str) -> Locator:
        """A button by its whole name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, *keys: str) -> None:
        """Presses keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def stands(self, sentence: str) -> None:
        """Waits until the bar says so of the rectangles."""
        expect(self.page.locator(".bar .state")).to_have_text(sentence)

    def rest(self) -> None:
        """Waits until nothing moves any more."""
        self.page.wait_for_function(_RESTING)

    @property
    def zoom(self) -> float:
        """Screen pixels that a pixel of the slide takes."""
        zoom: float = self.page.evaluate("pantile.stage.imageZoom()")
        return zoom

    def drag(self, part: Locator, *, right: float, down: float) -> None:
        """Drags something by pixels of the screen."""
        box = part.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + right / 2, y + down / 2)
        self.page.mouse.move(x + right, y + down)
        self.page.mouse.up()

    def announced(self, text: str, *, how: str = "polite") -> None:
        """Waits until something was said."""
        expect(self.page.locator(f'[data-says="{how}"]')).to_contain_text(text)
