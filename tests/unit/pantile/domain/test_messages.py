"""Messages carry a version, and a worker refuses what it does not understand."""

import pytest

from pantile.domain.messages import MESSAGES, MessageNotUnderstood, SegmentRoi, read_message


def test_a_message_survives_the_queue() -> None:
    message = SegmentRoi(job_id=7, roi="S_tumor", segmenter="lung")

    assert read_message(SegmentRoi, message.kwargs()) == message


@pytest.mark.parametrize("kwargs", [{"v": 2, "job_id": 1}, {"job_id": 1}, {"v": 1, "job": 1}, {"v": 1}, {}])
def test_another_version_or_shape_is_not_understood(kwargs: dict[str, int]) -> None:
    with pytest.raises(MessageNotUnderstood):
        read_message(SegmentRoi, kwargs)


def test_each_message_has_its_own_task_and_shows_its_roi() -> None:
    assert len({kind.TASK for kind in MESSAGES}) == len(MESSAGES)
    assert all("roi" in kind.__dataclass_fields__ for kind in MESSAGES)
