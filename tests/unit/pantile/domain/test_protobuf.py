"""Messages are read as the wire format has them, and damage is told."""

import pytest

from pantile.domain.protobuf import FieldBudget, Message, MessageDamaged, read_message


def _read(content: bytes, *, budget: int = 100) -> Message:
    return read_message(memoryview(content), FieldBudget(left=budget))


def test_numbers_and_texts_are_found_by_their_field() -> None:
    message = _read(b"\x08\x96\x01" + b"\x12\x07testing")

    assert message.number(1) == 150
    assert message.text(2) == "testing"
    assert (message.number(3), message.text(3)) == (0, "")


def test_of_a_single_field_the_last_counts_and_a_repeated_one_has_all() -> None:
    message = _read(b"\x08\x01\x08\x02" + b"\x12\x01a\x12\x01b")

    assert message.number(1) == 2
    assert message.text(2) == "b"
    assert message.texts(2) == ["a", "b"]


def test_messages_lie_within_messages() -> None:
    message = _read(b"\x1a\x03\x08\x96\x01" + b"\x1a\x02\x08\x07")

    assert [each.number(1) for each in message.messages(3)] == [150, 7]


def test_fixed_numbers_are_passed_over() -> None:
    message = _read(b"\x09" + bytes(8) + b"\x15" + bytes(4) + b"\x18\x05")

    assert message.number(3) == 5


def test_a_message_said_twice_is_not_guessed_at() -> None:
    with pytest.raises(MessageDamaged, match="twice"):
        _read(b"\x1a\x00\x1a\x00").message(3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x08", "cut off"),
        (b"\x08\x96", "cut off"),
        (b"\x12\x07test", "cut off"),
        (b"\x09\x00", "cut off"),
        (b"\x08" + b"\xff" * 11, "no end"),
        (b"\x0b", "unknown kind"),
        (b"\x0f", "unknown kind"),
    ],
)
def test_damage_is_told(content: bytes, sentence: str) -> None:
    with pytest.raises(MessageDamaged, match=sentence):
        _read(content)


def test_a_text_must_be_one() -> None:
    with pytest.raises(MessageDamaged, match="UTF-8"):
        _read(b"\x12\x01\xff").text(2)


def test_fields_are_counted_over_all_that_is_read() -> None:
    with pytest.raises(MessageDamaged, match="more fields"):
        list(_read(b"\x1a\x02\x08\x07", budget=1).messages(3))
