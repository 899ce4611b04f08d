"""Panes: the same place in all of them, exactly; class maps in the colours that they should have; the four views."""

import numpy as np
import pytest
from playwright.sync_api import expect

from pantile.cards import load_shipped_cards
from pantile.domain.legends import LEGEND, LegendPalette, legend_indices
from tests.e2e.scoring.conftest import OpenCase
from tests.e2e.scoring.page import ScoringPage
from tests.study_fixture import (
    BLOCK_PX,
    MAP_HEIGHT_PX,
    MAP_WIDTH_PX,
    ROI_MPP,
    ROI_WIDTH_PX,
    SEGMENTERS,
    WIDER,
    class_map_of,
)

NAMES = ["H&E", "A", "B", "C", "D", "E"]

PIXEL = """([name, points]) => {
    const {viewer} = pantile.panes.all.find(pane => pane.name === name);
    const {canvas} = viewer.osd.drawer, context = canvas.getContext("2d");
    const ratio = canvas.width / viewer.osd.container.clientWidth;
    return points.map(([x, y]) => {
        const at = viewer.osd.viewport.pixelFromPoint(viewer.osd.viewport.getCenter().clone().times(0)
            .plus({x, y}), true);
        return [...context.getImageData(Math.round(at.x * ratio), Math.round(at.y * ratio), 1, 1).data];
    });
}"""


PIXEL_IS_ABOUT = f"""([name, points, colour]) =>
    ({PIXEL})([name, points])[0].every((each, at) => Math.abs(each - colour[at]) <= 2)"""

PIXELS_ARE = f"([name, points, colours]) => JSON.stringify(({PIXEL})([name, points])) === JSON.stringify(colours)"


def wait_for_pixels(page: ScoringPage, name: str, points: list[list[float]], colours: list[list[int]]) -> None:
    """Waits until a pane shows these: it draws with the browser's next frame, whenever that is."""
    page.page.wait_for_function(PIXELS_ARE, arg=[name, points, colours])


def assert_together(page: ScoringPage) -> None:
    """All panes have come to rest at one place, to 1e-9."""
    page.rest()
    places = np.array([[place[name] for name in ("zoom", "x", "y")] for place in page.places])
    assert places.shape == (6, 3)
    assert np.ptp(places, axis=0).max() < 1e-9


def assert_beside(page: ScoringPage, name: str) -> None:
    """An output's image stands beside that of the H&E, or over it: as high, and from the same line."""
    boxes = [page.pane(each).locator(".stage").bounding_box() for each in ("H&E", name)]
    own, other = ((box["y"], box["height"]) for box in boxes if box)
    assert own == pytest.approx(other, abs=0.5)


def set_opacity(page: ScoringPage, percent: int) -> None:
    page.page.get_by_label("Opacity of masks").fill(str(percent))


def colour(index: int) -> list[int]:
    """What a class is painted as, transparent where it has no colour."""
    return [*LEGEND[index].colours[LegendPalette.ACCESSIBLE], 255]


def blocks(roi: int, segmenter: int, *, every: int = 4) -> list[tuple[int, tuple[int, int]]]:
    """Legend index and middle (x, y) in class-map pixels of blocks that are painted, over the whole map."""
    card = load_shipped_cards()[SEGMENTERS[segmenter]]
    indices = legend_indices([each.group for each in card.scheme.classes])
    shown = indices[class_map_of(card, roi, segmenter)]
    middles = [
        (x, y)
        for y in range(BLOCK_PX // 2, MAP_HEIGHT_PX, BLOCK_PX)
        for x in range(BLOCK_PX // 2, MAP_WIDTH_PX, BLOCK_PX)
    ]
    painted = [(int(shown[y, x]), (x, y)) for x, y in middles if LEGEND[int(shown[y, x])].colours]
    return painted[::every]


@pytest.mark.parametrize("leader", NAMES)
def test_all_panes_follow_each_pane_exactly(open_case: OpenCase, leader: str) -> None:
    """Check 1: wheel, drag, pinch and keys, each pane in turn, and a resize."""
    page = open_case(has_touch=True)
    x, y = page.centre_of(leader, right=60, down=30)

    with page.moving(leader):
        page.page.mouse.move(x, y)
        page.page.mouse.wheel(0, -300)
    assert_together(page)
    with page.moving(leader):
        page.page.mouse.down()
        page.page.mouse.move(x - 90, y + 40, steps=4)
        page.page.mouse.up()
    assert_together(page)
    with page.moving(leader):
        page.pinch(*page.centre_of(leader), apart_px=60)
    assert_together(page)
    with page.moving(leader):
        page.press(".", "Shift+ArrowLeft")
    assert_together(page)
    page.page.set_viewport_size({"width": 1500, "height": 900})
    page.page.wait_for_function("() => innerWidth === 1500")
    assert_together(page)
    assert page.places[0]["zoom"] > 1.2


@pytest.mark.parametrize("leader", [0, 3])
def test_a_zoom_reaches_its_goal_in_all_panes(open_case: OpenCase, leader: int) -> None:
    """Check 2: panes that answered each other's movements stopped short of it in the study's app."""
    page = open_case()

    with page.moving(NAMES[leader]):
        page.page.evaluate(f"() => void pantile.panes.all[{leader}].viewer.osd.viewport.zoomTo(6)")

    assert [place["zoom"] for place in page.places] == [6] * 6


def test_without_synchronising_only_the_moved_pane_moves(open_case: OpenCase) -> None:
    """Check 3."""
    page = open_case()
    page.press("y")
    with page.moving("C"):
        page.page.mouse.move(*page.centre_of("C"))
        page.page.mouse.wheel(0, -300)
    zooms = [place["zoom"] for place in page.places]
    assert zooms[3] > max(zooms[:3] + zooms[4:])

    page.press("Shift+Digit3", "y")

    assert_together(page)
    assert page.places[0]["zoom"] == zooms[3]


@pytest.mark.parametrize("roi", [0, WIDER])
def test_class_maps_are_painted_in_their_classes_colours_where_they_belong(open_case: OpenCase, roi: int) -> None:
    """Check 4: whole and at one pixel a pixel, and where the class map spans more than the image."""
    page = open_case(roi)
    set_opacity(page, 100)
    spans = (ROI_WIDTH_PX + 2.5 * (roi == WIDER)) / ROI_WIDTH_PX
    for place, name in enumerate(NAMES[1:]):
        segmenter = (place + roi) % len(SEGMENTERS)
        known = blocks(roi, segmenter)
        points = [[x / MAP_WIDTH_PX * spans, y / MAP_WIDTH_PX * spans] for _, (x, y) in known]
        assert len(known) >= 15

        wait_for_pixels(page, name, points, [colour(index) for index, _ in known])

    with page.moving("A"):
        page.press("r")
    page.wait_until_open()
    near = [each for each in blocks(roi, roi, every=1) if 100 < each[1][0] < 200 and 80 < each[1][1] < 145]
    assert near
    points = [[x / MAP_WIDTH_PX * spans, y / MAP_WIDTH_PX * spans] for _, (x, y) in near]
    wait_for_pixels(page, "A", points, [colour(index) for index, _ in near])


COLOURS_ARE = """wanted => pantile.panes.outputs.every(({name, viewer}) => {
    const {canvas} = viewer.osd.drawer, counts = {};
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4)
        if (data[at + 3]) { const each = data.slice(at, at + 3).join(); counts[each] = (counts[each] ?? 0) + 1; }
    return Object.entries(wanted[name]).every(([each, isSeen]) => (counts[each] ?? 0) > 400 === isSeen);
})"""
"""Whether each output's pane shows the colours that it is to show and no others, in more pixels than by chance."""


def wait_for_colours(page: ScoringPage, roi: int, *, hidden: str = "") -> None:
    """Waits until the panes of an ROI's outputs show all classes that are there in their colours, but one."""
    known = {index: ",".join(map(str, colour(index)[:3])) for index, entry in enumerate(LEGEND) if entry.colours}
    wanted = {}
    for place, name in enumerate(NAMES[1:]):
        seen = {index for index, _ in blocks(roi, (place + roi) % len(SEGMENTERS), every=1)}
        shown = {known[index] for index in seen if LEGEND[index].label != hidden}
        wanted[name] = {each: each in shown for each in known.values()}
    page.page.wait_for_function(COLOURS_ARE, arg=wanted)


def test_a_hidden_class_vanishes_from_all_panes_and_stays_away(open_case: OpenCase) -> None:
    """Check 5: the others stay as they are, and tiles that come later do not show it either."""
    page = open_case()
    set_opacity(page, 100)
    classes = page.page.get_by_role("toolbar", name="Classes shown")
    wait_for_colours(page, 0)

    classes.get_by_role("checkbox", name="Tumor", exact=True).click()

    wait_for_colours(page, 0, hidden="Tumor")
    page.press("Escape", "ArrowRight")
    page.page.wait_for_function("() => pantile.reading.case.position === 2")
    page.wait_until_open()
    wait_for_colours(page, 1, hidden="Tumor")


def test_masks_are_mixed_with_the_tissue_by_their_opacity(open_case: OpenCase) -> None:
    """Check 6."""
    page = open_case()
    index, (x, y) = blocks(0, 0)[5]
    point = [[x / MAP_WIDTH_PX, y / MAP_WIDTH_PX]]
    tissue = np.array(page.page.evaluate(PIXEL, ["H&E", point])[0])

    for percent in (0, 45, 100):
        set_opacity(page, percent)
        mixed = tissue * (1 - percent / 100) + np.array(colour(index)) * percent / 100
        page.page.wait_for_function(PIXEL_IS_ABOUT, arg=["A", point, mixed.tolist()])


def test_a_held_m_looks_at_the_tissue_until_it_is_let_go(open_case: OpenCase) -> None:
    """Check 6: it comes back on release, and when the window loses the keyboard."""
    page = open_case()
    masks = page.page.get_by_role("button", name="Masks")
    with page.holding("m", "KeyM"):
        expect(masks).to_have_attribute("aria-pressed", "false")
    expect(masks).to_have_attribute("aria-pressed", "true")

    with page.holding("m", "KeyM"):
        expect(masks).to_have_attribute("aria-pressed", "false")
        page.page.evaluate("() => window.dispatchEvent(new Event('blur'))")
        expect(masks).to_have_attribute("aria-pressed", "true")
    expect(masks).to_have_attribute("aria-pressed", "true")

    page.tap("m", "KeyM")
    expect(masks).to_have_attribute("aria-pressed", "false")


def test_the_scale_bar_at_one_pixel_a_pixel_is_that_of_the_mpp(open_case: OpenCase) -> None:
    """Check 7."""
    page = open_case()
    with page.moving("A"):
        page.press("r")

    bar = page.pane("H&E").locator(".scalebar")
    microns = float((bar.text_content() or "").removesuffix(" µm"))
    width_px = bar.evaluate("bar => parseFloat(bar.style.width)")

    assert abs(width_px - microns / ROI_MPP) <= 1


def test_views_show_the_right_panes(open_case: OpenCase) -> None:
    """Check 7: flicker and curtain."""
    page = open_case()

    def wait_for_seen(*names: str) -> None:
        page.page.wait_for_function(
            "names => pantile.panes.all.every(({name, element}) =>"
            " names.includes(name) === (getComputedStyle(element).visibility === 'visible'))",
            arg=list(names),
        )

    view = page.page.get_by_role("radiogroup", name="View")
    view.get_by_role("radio", name="Flicker").click()
    page.tap("b", "KeyB")
    wait_for_seen("B")
    page.press("ArrowRight")
    wait_for_seen("C")
    with page.holding("e", "KeyE"):
        wait_for_seen("E")
    wait_for_seen("C")
    assert page.sent == []

    view.get_by_role("radio", name="Curtain").click()
    wait_for_seen("H&E", "C")
    assert_beside(page, "C")
    curtain = page.page.get_by_role("separator")
    curtain.focus()
    page.press("ArrowLeft", "ArrowLeft")
    expect(curtain).to_have_attribute("aria-valuenow", "46")
    expect(page.pane("C").locator(".osd")).to_have_css("clip-path", "inset(0px 0px 0px 46%)")
    assert_together(page)


def test_the_image_of_the_h_and_e_is_as_large_as_those_of_the_outputs(open_case: OpenCase) -> None:
    """Check 1: the same place is at the same height in all panes of a row."""
    page = open_case()

    assert_beside(page, "A")


def test_thirty_cases_leave_no_viewer_and_no_image_behind(open_case: OpenCase) -> None:
    """Check 8: what is counted of it; what it takes is measured by `make bench-web`."""
    asked: list[str] = []
    page = open_case(is_ready=False)
    page.page.on("request", lambda request: asked.append(request.url))
    page.page.reload()
    page.wait_until_open()
    assert len(asked) <= 80
    counts = "() => [document.querySelectorAll('.openseadragon-canvas').length, document.querySelectorAll('*').length]"
    canvases, elements = page.page.evaluate(counts)

    position = 1
    for step in range(30):
        is_forward = step % 10 < 5
        page.press("ArrowRight" if is_forward else "ArrowLeft")
        position += 1 if is_forward else -1
        page.page.wait_for_function("position => pantile.reading.case.position === position", arg=position)
    page.wait_until_open()

    after_canvases, after_elements = page.page.evaluate(counts)
    items = page.page.evaluate("() => pantile.panes.all.map(({viewer}) => viewer.osd.world.getItemCount())")
    assert (after_canvases, max(items)) == (canvases, 2)
    assert after_elements < elements * 1.15
