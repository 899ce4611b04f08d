"""Scores from the keyboard and the mouse: what is scored is what was meant, and nothing else."""

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import expect

from pantile.catalog.database import Database
from tests.e2e.scoring.conftest import Axe, OpenCase
from tests.e2e.scoring.page import ALT, CTRL, META, SHIFT, ScoringPage
from tests.study_fixture import MISSING, SmallStudy

Events = Callable[[UUID], list[str]]


@pytest.fixture
def events(database: Database) -> Events:
    """The actions of a case's events, in order."""

    def read(assignment: UUID) -> list[str]:
        with database.transaction() as connection:
            rows = connection.execute(
                "SELECT action FROM score_events e JOIN assignments a ON a.id = e.assignment_id"
                " WHERE a.key = %s ORDER BY e.number",
                [assignment],
            ).fetchall()
        return [row["action"] for row in rows]

    return read


def test_five_keystrokes_score_a_case_and_enter_completes_it(
    open_case: OpenCase, study: SmallStudy, events: Events
) -> None:
    """Check 10."""
    page = open_case()

    page.type_scores([7, 8, 6, 10, 0])
    page.wait_for_scores(7, 8, 6, 10, 0)
    page.press("Enter")

    page.page.wait_for_url(f"**/score/{study.assignments['r1'][1]}")
    page.wait_until_saved()
    assert events(study.assignments["r1"][0]) == ["set"] * 5 + ["complete"]


def test_after_a_click_into_an_image_a_digit_scores_that_pane_only(open_case: OpenCase) -> None:
    """Check 11: in the study's app it scored all five."""
    page = open_case()

    page.click_image("D")
    page.press("4")
    page.wait_until_saved()

    assert page.scores == [None, None, None, 4, None]


def test_after_a_click_on_a_score_a_digit_scores_that_pane_only(open_case: OpenCase) -> None:
    """Check 11."""
    page = open_case()

    page.score_button("A", 9).click()
    page.press("3")
    page.wait_until_saved()

    assert page.scores == [3, None, None, None, None]
    assert len(page.sent) == 2


def test_a_chosen_score_that_is_clicked_again_is_taken_back(open_case: OpenCase) -> None:
    page = open_case()

    page.score_button("B", 9).click()
    page.score_button("B", 9).click()
    page.wait_until_saved()

    assert page.scores == [None] * 5
    assert len(page.sent) == 2


@pytest.mark.parametrize(
    ("key", "code", "modifiers"),
    [
        ("0", "Digit0", CTRL),
        ("x", "KeyX", CTRL),
        ("1", "Digit1", CTRL),
        ("ArrowRight", "ArrowRight", ALT),
        ("z", "KeyZ", META),
        (" ", "Space", 0),
        ("Dead", "Equal", 0),
        ("Process", "Digit7", 0),
        ("!", "Digit1", SHIFT),
    ],
)
def test_keys_with_modifiers_and_keys_that_compose_score_nothing(
    open_case: OpenCase, key: str, code: str, modifiers: int
) -> None:
    """Check 12: the key that comes after it is the first to score anything, and it scores the first pane."""
    page = open_case()
    first = page.key

    page.press_as(key, code, modifiers=modifiers)
    page.press("3")
    page.wait_for_scores(3)
    page.wait_until_saved()

    assert len(page.sent) == 1
    assert page.scores == [3, None, None, None, None]
    assert page.key == first


@pytest.mark.parametrize(
    ("key", "code", "score"),
    [("ß", "Minus", 10), ("-", "Minus", 10), ("+", "NumpadAdd", 10), ("_", "Digit8", 8), ("8", "Numpad8", 8)],
    ids=["German", "US", "keypad", "AZERTY", "keypad digit"],
)
def test_digits_and_ten_go_by_their_place_on_the_keyboard(open_case: OpenCase, key: str, code: str, score: int) -> None:
    """Check 13."""
    page = open_case()

    page.press_as(key, code)

    page.wait_for_scores(score)


def test_digits_in_a_comment_and_in_a_dialog_are_text(open_case: OpenCase) -> None:
    """Check 14."""
    page = open_case()

    page.press("c")
    page.page.keyboard.type("7 of 10")
    page.press("Escape")
    page.press("Shift+C")
    page.page.keyboard.type("8 and 9")
    page.page.get_by_role("button", name="Save").click()
    expect(page.page.get_by_role("dialog")).to_have_count(0)
    page.page.wait_for_function("() => pantile.reading.comment === '8 and 9'")
    page.wait_until_saved()

    assert page.scores == [None] * 5
    assert page.page.evaluate("pantile.reading.panes[0].held.comment") == "7 of 10"


def test_a_held_digit_is_one_event_and_ten_is_the_top(open_case: OpenCase, study: SmallStudy, events: Events) -> None:
    """Check 15."""
    page = open_case()
    page.press_as("7", "Digit7", repeats=8)
    page.press("Shift+Digit1")
    page.press("Minus", "Shift+Digit1", "ArrowUp")
    page.wait_for_scores(10)
    page.wait_until_saved()

    assert page.scores == [10, None, None, None, None]
    assert events(study.assignments["r1"][0]) == ["set", "set"]


def test_score_all_asks_first_is_one_step_and_writes_five_events(
    open_case: OpenCase, study: SmallStudy, events: Events
) -> None:
    """Check 16."""
    page = open_case()
    page.press("5")
    page.press("Shift+A", "7")
    expect(page.page.get_by_role("dialog")).to_contain_text("All 5 outputs will have 7")
    assert page.scores == [5, None, None, None, None]

    page.press("Enter")
    page.wait_for_scores(7, 7, 7, 7, 7)
    page.press("z")
    page.wait_for_scores(5, None, None, None, None)
    page.wait_until_saved()

    assert events(study.assignments["r1"][0]) == ["set"] * 6 + ["undo"] * 5


def test_undo_goes_back_over_cases_and_redo_forward(
    open_case: OpenCase, axe: Axe, study: SmallStudy, events: Events
) -> None:
    """Check 17, 43."""
    first, second = (study.assignments["r1"][roi] for roi in (0, 1))
    page = open_case()
    page.press("7", "c")
    page.page.keyboard.type("folded")
    page.press("Escape")
    page.press("ArrowRight")
    page.page.wait_for_url(f"**/score/{second}")
    page.press("6")

    page.press("z")
    page.wait_for_scores(None)
    page.press("z")
    page.page.wait_for_url(f"**/score/{first}")
    page.page.wait_for_function("() => pantile.reading.panes[1].held.comment === ''")
    page.wait_for_active("B")
    page.press("z")
    page.wait_for_scores(None)
    page.wait_for_active("A")
    page.press("Shift+Z")
    page.wait_for_scores(7)
    page.wait_until_saved()

    assert events(first) == ["set", "comment", "undo", "undo", "redo"]
    assert events(second) == ["set", "undo"]
    page.page.get_by_role("button", name="More").click()
    page.page.get_by_role("button", name="History", exact=True).click()
    shown = page.page.get_by_role("dialog").get_by_role("row")
    expect(shown).to_have_count(6)
    expect(shown.nth(1)).to_contain_text("redo")
    assert axe(page.page) == []


def test_undo_pressed_again_while_its_case_opens_takes_back_the_step_before(
    open_case: OpenCase, study: SmallStudy, events: Events
) -> None:
    """Check 17, by a hand that is faster than the service."""
    first, second = (study.assignments["r1"][roi] for roi in (0, 1))
    page = open_case()
    page.press("7", "8")
    page.wait_until_saved()
    page.press("ArrowRight")
    page.page.wait_for_url(f"**/score/{second}")
    page.page.route(f"**/v1/assignments/{first}", lambda _: None)  # no answer, until the handler is taken away

    with page.page.expect_request(f"**/v1/assignments/{first}"):
        page.press("z")
    page.press("z")
    page.page.unroute(f"**/v1/assignments/{first}")
    page.page.wait_for_url(f"**/score/{first}")
    page.wait_for_scores(None, None)
    page.wait_until_saved()

    assert page.key == first
    assert events(first) == ["set", "set", "undo", "undo"]
    page.page.reload()
    page.wait_until_open()
    assert page.scores == [None] * 5


def test_undo_opens_a_completed_case_again(open_case: OpenCase, study: SmallStudy, events: Events) -> None:
    """Check 17, after Enter."""
    first = study.assignments["r1"][0]
    page = open_case()
    page.type_scores([7, 8, 6, 10, 0])
    page.press("Enter")
    page.page.wait_for_url(f"**/score/{study.assignments['r1'][1]}")

    page.press("z")
    page.page.wait_for_url(f"**/score/{first}")
    page.page.wait_for_function("() => pantile.reading.panes[4].held.value === null")
    page.wait_until_saved()

    assert events(first) == ["set"] * 5 + ["complete", "reopen", "undo"]


def test_the_mouse_over_another_pane_does_not_make_it_the_active_one(open_case: OpenCase) -> None:
    """Check 18."""
    page = open_case()

    page.page.mouse.move(*page.centre_of("D"))
    page.press("5")
    page.wait_until_saved()

    assert page.scores == [5, None, None, None, None]


def test_an_output_that_is_missing_is_neither_scored_nor_asked_for(open_case: OpenCase) -> None:
    """Check 19."""
    page = open_case(MISSING[0])
    missing = page.page.evaluate("pantile.reading.panes.find(pane => pane.output.is_missing).name")
    expect(page.pane(missing)).to_contain_text("No output for this ROI.")
    page.press(f"Shift+Digit{'ABCDE'.index(missing) + 1}")
    page.wait_for_active(missing)
    page.press("7")
    page.announced("There is no output to score here.")

    page.press("Shift+Digit1")
    page.type_scores([1, 2, 3, 4])
    first = page.key
    page.press("Enter")
    page.page.wait_for_function("key => pantile.reading.case.key !== key", arg=str(first))
    page.wait_until_saved()

    assert len(page.sent) == 4


def test_enter_goes_to_what_is_not_scored_and_says_so(open_case: OpenCase) -> None:
    page: ScoringPage = open_case()
    page.press("7")
    page.press("Shift+Digit5", "6")
    page.press("Enter")

    page.wait_for_active("B")
    page.announced("Not scored yet: B, C, D.", how="assertive")


def test_a_score_is_hollow_until_the_service_has_it(open_case: OpenCase) -> None:
    """Check 23: nothing is painted as saved before the answer."""
    page = open_case()
    answers: list[Callable[[], None]] = []
    page.page.route("**/scores/*", lambda route: answers.append(route.continue_))

    page.press("7")
    chosen = page.score_button("A", 7)
    expect(chosen).to_have_class("score is-pending")
    expect(page.pane("A").locator(".verdict")).to_have_text("7 · saving")
    answers[0]()

    expect(chosen).to_have_class("score")
    page.announced("Output A: 7. Saved.")


def test_keys_that_come_while_the_next_case_is_opened_mean_that_case(
    open_case: OpenCase, study: SmallStudy, events: Events
) -> None:
    """Check 10, by a hand that is faster than the service: no score lands in the case that is left."""
    first, second = (study.assignments["r1"][roi] for roi in (0, 1))
    page = open_case(is_ready=False)
    page.page.route(f"**/v1/assignments/{second}", lambda _: None)  # no answer, until the handler is taken away
    page.page.reload()
    page.page.wait_for_function("() => window.pantile?.reading")
    page.type_scores([7, 8, 6, 10, 0])

    page.press("Enter")
    page.type_scores([1, 2])
    expect(page.page.get_by_role("main")).to_have_attribute("aria-busy", "true")
    page.page.unroute(f"**/v1/assignments/{second}")
    page.page.wait_for_url(f"**/score/{second}")
    page.wait_for_scores(1, 2, None)
    page.wait_until_saved()

    assert events(first) == ["set"] * 5 + ["complete"]
    assert events(second) == ["set"] * 2
