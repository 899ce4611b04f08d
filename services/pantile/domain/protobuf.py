"""Protocol Buffers' wire format, read without a schema: the numbered fields of a message, and no more.

Enough to look into a file of somebody else's before a library with a parser of its own is let near it
(https://protobuf.dev/programming-guides/encoding).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10
_SIZES = {_FIXED64: 8, _FIXED32: 4}


class MessageDamaged(ValueError):
    """The bytes are no message."""


@dataclass(slots=True, kw_only=True)
class FieldBudget:
    """How many more fields may be read: a small file could otherwise keep a reader busy for hours."""

    left: int

    def take(self) -> None:
        """Counts one field; raises `MessageDamaged` where there were too many."""
        self.left -= 1
        if self.left < 0:
            raise MessageDamaged("it has more fields than any real one")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Message:
    """The fields of a message by number: whole numbers, and the bytes of texts, packed lists and messages within it."""

    numbers: dict[int, list[int]] = field(default_factory=dict)
    contents: dict[int, list[memoryview]] = field(default_factory=dict)
    _budget: FieldBudget

    def number(self, key: int) -> int:
        """A field's whole number, as unsigned; the last where there are several, as the format wants it, 0 for none."""
        return self.numbers.get(key, [0])[-1]

    def text(self, key: int) -> str:
        """A field's text, the last as above, "" for none; raises `MessageDamaged`."""
        found = self.texts(key)
        return found[-1] if found else ""

    def texts(self, key: int) -> Sequence[str]:
        """The texts of a repeated field; raises `MessageDamaged`."""
        try:
            return [str(content, "utf-8") for content in self.contents.get(key, ())]
        except UnicodeDecodeError as error:
            raise MessageDamaged("a text in it is no UTF-8") from error

    def messages(self, key: int) -> Iterator["Message"]:
        """The messages of a repeated field, read as they are asked for; raises `MessageDamaged`."""
        return (read_message(content, self._budget) for content in self.contents.get(key, ()))

    def message(self, key: int) -> "Message":
        """The one message of a field, empty where there is none; raises `MessageDamaged` for several."""
        found = self.contents.get(key, [memoryview(b"")])
        # Parsers would merge them, so that none of them is what the file means.
        if len(found) > 1:
            raise MessageDamaged("it says the same twice")
        return read_message(found[0], self._budget)


def read_message(content: memoryview, budget: FieldBudget) -> Message:
    """The fields of a message, messages within it unread; raises `MessageDamaged`."""
    message = Message(_budget=budget)
    at = 0
    while at < len(content):
        budget.take()
        tag, at = _read_varint(content, at)
        key, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            number, at = _read_varint(content, at)
            message.numbers.setdefault(key, []).append(number)
            continue
        if wire == _LENGTH:
            size, at = _read_varint(content, at)
        elif wire in _SIZES:
            size = _SIZES[wire]
        else:
            raise MessageDamaged("it has fields of an unknown kind")
        if at + size > len(content):
            raise MessageDamaged("it is cut off")
        if wire == _LENGTH:
            message.contents.setdefault(key, []).append(content[at : at + size])
        at += size
    return message


def _read_varint(content: memoryview, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    number = 0
    for step in range(_MAX_VARINT_BYTES):
        if at + step >= len(content):
            raise MessageDamaged("it is cut off")
        byte = content[at + step]
        number |= (byte & 0x7F) << 7 * step
        if byte < 0x80:
            return number, at + step + 1
    raise MessageDamaged("a number in it has no end")
