"""Messages carry a version: what is newer in small is read, what is newer in kind or not understood is refused."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from pantile.domain.messages import (
    MESSAGES,
    VERSION,
    Message,
    MessageNotUnderstood,
    MessageTooNew,
    SegmentRoi,
    read_message,
)


def test_a_message_survives_the_queue() -> None:
    message = SegmentRoi(job_id=7, roi="S_tumor", segmenter="lung")

    assert read_message(SegmentRoi, message.kwargs()) == message


def test_a_field_that_is_new_is_passed_over() -> None:
    assert read_message(SegmentRoi, {"v": 1, "job_id": 7, "urgency": 3}) == SegmentRoi(job_id=7)


def test_a_message_of_a_later_version_is_too_new() -> None:
    with pytest.raises(MessageTooNew):
        read_message(SegmentRoi, {"v": VERSION + 1, "job_id": 7})


@pytest.mark.parametrize(
    "kwargs",
    [{"job_id": 1}, {"v": 0, "job_id": 1}, {"v": "2", "job_id": 1}, {"v": True, "job_id": 1}, {"v": 1, "job": 1},
     {"v": 1, "job_id": "1"}, {"v": 1}, {}],
)  # fmt: skip
def test_an_older_version_or_another_shape_is_not_understood(kwargs: dict[str, Any]) -> None:
    with pytest.raises(MessageNotUnderstood) as refused:
        read_message(SegmentRoi, kwargs)

    assert not isinstance(refused.value, MessageTooNew)


def test_each_message_has_its_own_task_and_shows_its_roi() -> None:
    assert len({kind.TASK for kind in MESSAGES}) == len(MESSAGES)
    assert all("roi" in kind.__dataclass_fields__ for kind in MESSAGES)


BEFORE = Path(__file__).with_name("messages_v1.json")
"""What a coordinator of version 1 sends, by task. A change of messages leaves this file alone; a later version of them
has a file of its own beside it, and this one goes when `OLDEST` does."""


def test_each_message_of_the_version_before_is_read() -> None:
    sent = json.loads(BEFORE.read_text("utf-8"))
    kinds = {kind.TASK: kind for kind in MESSAGES}

    assert sent.keys() <= kinds.keys()
    for task, kwargs in sent.items():
        read = read_message(kinds[task], kwargs).kwargs()
        assert kwargs.items() <= read.items(), task


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.TASK)
def test_a_worker_of_version_1_reads_what_is_sent_now(kind: type[Message]) -> None:
    """It knows the fields that version 1 had, and needs all of them."""
    known = json.loads(BEFORE.read_text("utf-8")).get(kind.TASK)

    if known is not None and VERSION == 1:
        assert known.keys() <= {field.name for field in fields(kind)}
