"""The scoring page for everybody: keyboard alone, tablets, large print, other keys; and what is noted of its use."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Request, expect

from tests.e2e.scoring.conftest import TABLET, Axe, OpenCase
from tests.e2e.scoring.page import ScoringPage
from tests.study_fixture import MISSING, SmallStudy

TAB_STOPS = """() => [...document.querySelectorAll("main *")].filter(each => each.tabIndex >= 0 && !each.disabled
    && each.matches("a, button, input, select, textarea, [tabindex]") && each.offsetParent !== null
    && !each.closest("[inert]") && getComputedStyle(each).visibility === "visible").length"""

SMALL = """([least, where]) => [...document.querySelectorAll(where)].filter(each => {
    const box = each.getBoundingClientRect();
    return box.width > 0 && getComputedStyle(each).visibility === "visible"
        && (box.width < least || box.height < least);
}).map(each => each.outerHTML)"""

TARGETS = "button, a, input, select"


def test_a_case_is_scored_with_the_keyboard_alone(open_case: OpenCase, axe: Axe, study: SmallStudy) -> None:
    """Check 43: at most eight stops in the main area, and axe finds nothing in any state."""
    page = open_case()
    assert page.page.evaluate(TAB_STOPS) <= 8
    assert axe(page.page) == []

    for place, score in enumerate(("7", "8", "6", "-", "0")):
        page.press(score)
        page.wait_for_scores(*(7, 8, 6, 10, 0)[: place + 1])
        assert page.page.evaluate("() => document.activeElement !== document.body")
    page.wait_until_saved()
    assert axe(page.page) == []
    page.press("Enter")

    page.page.wait_for_url(f"**/score/{study.assignments['r1'][1]}")
    assert page.page.evaluate("() => document.activeElement.closest('[data-pane]').dataset.pane") == "A"


@pytest.mark.parametrize("key", ["c", "g", "?", "Shift+A", "Shift+C", "k"])
def test_axe_finds_nothing_in_a_dialog_and_the_focus_comes_back(open_case: OpenCase, axe: Axe, key: str) -> None:
    """Check 43, 44."""
    page = open_case()
    page.press("Shift+Digit2", key)
    expect(page.page.locator("dialog[open], .pane textarea:focus")).to_be_visible()
    assert axe(page.page) == []

    page.press("Escape")

    expect(page.page.get_by_role("dialog")).to_have_count(0)
    assert page.page.evaluate("() => document.activeElement.closest('[data-pane]')?.dataset.pane") == "B"


def test_axe_finds_nothing_where_a_case_is_skipped_or_cannot_be_shown(open_case: OpenCase, axe: Axe) -> None:
    """Check 43: with an output that is missing, in the dialogs on the way, and at the end."""
    page = open_case(MISSING[0])
    skipped = page.key
    dialog = page.page.get_by_role("dialog")
    assert axe(page.page) == []

    page.page.get_by_role("button", name="More").click()
    assert axe(page.page) == []
    dialog.get_by_role("button", name="Skip…").click()
    dialog.get_by_label("Why can it not be scored?").fill("It is out of focus.")
    assert axe(page.page) == []
    dialog.get_by_role("button", name="Skip", exact=True).click()
    page.page.wait_for_function("key => pantile.reading.case.key !== key", arg=str(skipped))
    page.wait_until_saved()
    page.go_to(skipped)
    page.wait_until_open()
    expect(page.page.get_by_role("group", name="Notice")).to_contain_text("This case was skipped.")
    assert axe(page.page) == []
    page.page.get_by_role("button", name="Reopen…").click()
    assert axe(page.page) == []
    page.press("Escape")

    page.page.evaluate("key => pantile.open(key)", str(uuid4()))
    expect(page.page.get_by_role("heading", name="This case cannot be shown")).to_be_visible()
    assert axe(page.page) == []


@pytest.mark.parametrize("view", ["Focus", "Flicker", "Curtain"])
def test_axe_finds_nothing_in_the_other_views(open_case: OpenCase, axe: Axe, view: str) -> None:
    """Check 43."""
    page = open_case()
    page.page.get_by_role("radiogroup", name="View").get_by_role("radio", name=view).click()

    assert axe(page.page) == []
    assert page.page.evaluate(TAB_STOPS) <= 8


def test_tab_goes_from_pane_to_pane_and_the_focus_is_seen(open_case: OpenCase) -> None:
    """Check 44."""
    page = open_case()
    page.press("Shift+Digit1")

    for name in "BCDE":
        page.press("Tab")
        page.wait_for_active(name)
        outline = page.page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth")
        assert float(outline.removesuffix("px")) >= 2
    page.press("Shift+Tab")
    page.wait_for_active("D")


def test_scores_have_roles_names_and_words(open_case: OpenCase) -> None:
    """Check 45."""
    page = open_case()
    group = page.page.get_by_role("radiogroup", name="Score for output B")
    page.press("Shift+Digit2", "8")

    expect(group.get_by_role("radio", name="8 – excellent")).to_have_attribute("aria-checked", "true")
    page.announced("Output B: 8 – excellent. Saved.")


def test_targets_are_large_enough(open_case: OpenCase) -> None:
    """Check 46: 24 px."""
    page = open_case()

    assert page.page.evaluate(SMALL, [24, TARGETS]) == []


def test_targets_on_a_tablet_are_large_enough(open_case: OpenCase, axe: Axe) -> None:
    """Check 43, 46: 44 px, and H&E beside one output."""
    page = open_case(viewport=TABLET, has_touch=True)

    assert page.page.evaluate(SMALL, [44, "button, a"]) == []
    assert page.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert axe(page.page) == []


@pytest.mark.parametrize("size", [{"width": 320, "height": 700}, {"width": 960, "height": 540}])
def test_small_windows_and_large_print_scroll_one_way_only(open_case: OpenCase, size: dict[str, int]) -> None:
    """Check 46: 320 px, and twice the print on a screen of 1920 px."""
    page = open_case(viewport=size)

    assert page.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.score_button("A", 7).scroll_into_view_if_needed()
    page.score_button("A", 7).click()
    page.wait_for_scores(7)


def test_who_wants_no_motion_gets_none(open_case: OpenCase) -> None:
    """Check 46."""
    page = open_case(reduced_motion="reduce")

    before = page.places[0]["zoom"]
    with page.moving("A"):
        page.press(".")

    assert page.places[0]["zoom"] == pytest.approx(1.5 * before)
    assert page.page.evaluate("() => pantile.panes.at(0).viewer.osd.animationTime") < 0.01


def close_help(page: ScoringPage) -> None:
    """Closes the help, and waits until the service has what was chosen there."""
    with page.page.expect_response("**/v1/me/preferences"):
        page.page.get_by_role("button", name="Close").click()


def test_without_shortcuts_digits_do_nothing_and_arrows_choose(open_case: OpenCase) -> None:
    """Check 48: and it stays so after a reload."""
    page = open_case()
    page.press("?")
    page.page.get_by_role("checkbox", name="Keys without Ctrl act").uncheck()
    close_help(page)
    page.page.reload()
    page.wait_until_open()

    page.press("7", "x", "ArrowRight")
    page.wait_for_scores(0)
    page.wait_until_saved()

    assert len(page.sent) == 1


def test_a_key_that_was_chosen_is_kept_for_the_account(open_case: OpenCase) -> None:
    """Check 48: in another browser as well."""
    page = open_case()
    page.press("?")
    page.page.get_by_role("button", name="Score 7: ").click()
    page.press("q")
    expect(page.page.get_by_role("button", name="Score 7: Q, change")).to_be_focused()
    close_help(page)

    other = open_case(1)
    other.press("q", "7")
    other.wait_until_saved()

    assert other.scores == [7, None, None, None, None]


def test_fingers_move_all_panes_and_a_swipe_goes_to_the_next_output(open_case: OpenCase) -> None:
    """Check 51: and a long press scores nothing."""
    page = open_case(viewport=TABLET, has_touch=True)
    with page.moving("A"):
        page.pinch(*page.centre_of("A"), apart_px=75)
    zooms = {round(place["zoom"], 9) for place in page.places}
    assert len(zooms) == 1
    assert zooms.pop() > 1.5

    box = page.pane("A").locator(".head").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.touch("start", (500, middle))
    for left in (440, 380, 300):
        page.touch("move", (left, middle))
    page.touch("end")
    page.wait_for_active("B")

    button = page.score_button("B", 6).bounding_box()
    assert button
    page.touch("start", (button["x"] + 20, button["y"] + 20))
    # As long as a press has to last to be a long one: the browser's own clock, which nobody can set.
    page.page.wait_for_timeout(900)
    page.touch("end")
    page.score_button("B", 4).tap()
    page.wait_for_scores(None, 4)
    page.wait_until_saved()
    assert len(page.sent) == 1


def test_a_hidden_page_and_an_idle_person_are_not_timed(open_case: OpenCase) -> None:
    """Check 34: with a clock of our own. What the service makes of a wrong clock is a test of its API."""
    page = open_case(is_ready=False)
    told: list[Any] = []

    def note(request: Request) -> None:
        if request.url.endswith("/timing"):
            told.append(request.post_data_json)

    def show(state: str) -> None:
        page.page.evaluate(
            """state => { Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
                          document.dispatchEvent(new Event("visibilitychange")); }""",
            state,
        )

    page.page.on("request", note)
    page.page.clock.install(time=0)
    page.page.clock.pause_at(1000)
    page.page.reload()
    page.page.wait_for_function("() => window.pantile?.reading", polling=50)
    page.press("Shift+Digit2")
    page.page.clock.run_for(100_000)
    show("hidden")
    page.page.clock.run_for(500_000)
    show("visible")
    with page.page.expect_request(lambda request: (request.post_data_json or {}).get("active_ms") == 15_000):
        page.page.clock.run_for(15_000)

    assert sum(each["active_ms"] for each in told) == 75_000
    assert sum(each["idle_ms"] for each in told) == 40_000


def test_resuming_lands_on_the_case_and_the_pane(open_case: OpenCase, study: SmallStudy) -> None:
    """Check 35: a deep link as well, and next-unscored passes what is done."""
    page = open_case(1)
    page.type_scores([7, 8])
    page.wait_until_saved()
    page.page.goto("/")
    key = page.page.request.get(f"/v1/studies/{study.name}/next").json()["key"]
    assert UUID(key) == study.assignments["r1"][1]

    page.go_to(UUID(key))
    page.wait_until_open()
    page.wait_for_active("C")

    page.type_scores([6, 5, 4])
    page.press("Enter")
    page.page.wait_for_url(f"**/score/{study.assignments['r1'][2]}")
    page.press("ArrowLeft", "ArrowLeft")
    page.page.wait_for_url(f"**/score/{study.assignments['r1'][0]}")
    page.press("j")
    page.page.wait_for_url(f"**/score/{study.assignments['r1'][2]}")
