"""Readings: how far a rater is with an assignment, why it was given, and what a flag can say."""

import re
from enum import StrEnum
from string import ascii_uppercase

from pantile.domain.errors import AnswerRefused, ReadingClosed

MAX_REASON = 2000
MAX_NOTE = 2000

MAX_DELTA_MS = 5 * 60_000
"""The most that one report of timing counts for. Viewers report every 15 seconds; more is a clock that went wrong."""


class ReadingState(StrEnum):
    """Where an assignment stands.

    A void one was taken back before anything was scored; of a withdrawn one the ROI was.
    """

    PENDING = "pending"
    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"
    VOID = "void"
    WITHDRAWN = "withdrawn"


class Purpose(StrEnum):
    """Why an ROI is assigned: to be scored, by a second rater, once more by the same one, or to practise."""

    PRIMARY = "primary"
    SECOND = "second"
    REPEAT = "repeat"
    CALIBRATION = "calibration"


class FlagKind(StrEnum):
    """What a rater can say of a case or an output besides the score."""

    DIFFICULT = "difficult"
    IMAGE = "image"
    TISSUE = "tissue"
    OUTPUT = "output"
    OTHER = "other"


_UNFINISHED = frozenset({ReadingState.PENDING, ReadingState.OPEN})
_FINISHED = frozenset({ReadingState.DONE, ReadingState.SKIPPED})


def check_scorable(state: ReadingState) -> None:
    """Raises `ReadingClosed` unless scores can be set and changed."""
    if state not in _UNFINISHED:
        raise ReadingClosed(f"it is {state}" + ("; reopen it first" if state in _FINISHED else ""))


def check_reopenable(state: ReadingState) -> None:
    """Raises `ReadingClosed` unless the reading was ended by its rater."""
    if state not in _FINISHED:
        raise ReadingClosed(f"it is {state}, and only what is done or skipped can be reopened")


def check_reason(reason: str) -> str:
    """The reason without spaces around it; raises `AnswerRefused` where there is none."""
    if not reason.strip():
        raise AnswerRefused("it needs a reason")
    return reason.strip()


def case_label(position: int) -> str:
    """What a case is called wherever its rater meets it; it says nothing of slide or file."""
    return f"Case {position}"


def pane_letter(pane: int) -> str:
    """The letter of a pane by its place, from 1."""
    return ascii_uppercase[pane - 1]


_POSITION = re.compile(r"(?:case)?\s*#?\s*([0-9]{1,9})", re.IGNORECASE)


def position_in(words: str) -> int | None:
    """The position that somebody searches for, as in `Case 143` or `143`, if they do."""
    found = _POSITION.fullmatch(words.strip())
    return int(found[1]) if found else None
