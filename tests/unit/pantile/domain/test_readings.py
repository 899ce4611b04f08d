"""What can be done in which state of a reading."""

import pytest

from pantile.domain.errors import AnswerRefused, ReadingClosed
from pantile.domain.readings import (
    ReadingState,
    case_label,
    check_reason,
    check_reopenable,
    check_scorable,
    pane_letter,
    position_in,
)


@pytest.mark.parametrize("state", ReadingState)
def test_only_what_is_pending_or_open_is_scored_and_only_what_was_ended_reopened(state: ReadingState) -> None:
    if state in {ReadingState.PENDING, ReadingState.OPEN}:
        check_scorable(state)
        with pytest.raises(ReadingClosed):
            check_reopenable(state)
        return
    with pytest.raises(ReadingClosed):
        check_scorable(state)


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_reason_is_more_than_blanks(reason: str) -> None:
    with pytest.raises(AnswerRefused, match="needs a reason"):
        check_reason(reason)
    assert check_reason(" second look ") == "second look"


@pytest.mark.parametrize(
    ("words", "expected"),
    [("143", 143), (case_label(143), 143), ("case #7", 7), (" 9 ", 9), ("case", None), ("14.3", None), ("", None)],
)
def test_a_case_is_found_by_what_it_is_called(words: str, expected: int | None) -> None:
    assert position_in(words) == expected


def test_panes_are_lettered_from_a_on() -> None:
    assert [pane_letter(pane) for pane in (1, 5, 26)] == ["A", "E", "Z"]
