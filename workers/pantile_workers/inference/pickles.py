"""Pickles read without running them: Python's pickles are programs, and these are only looked at.

Python's own unpickler looks names up and calls them. Here every opcode merely builds plain values, and whatever a
pickle wants to import or call becomes a note of that wish (`Name`, `Inert`), so there is nothing that could be run,
whatever the names say.
"""

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

from pantile.domain.errors import CheckpointUnreadable
from pantile_workers.inference.names import Name, check_name, modern_name

_LITERALS = frozenset(
    {
        "BINBYTES",
        "BINBYTES8",
        "BINFLOAT",
        "BININT",
        "BININT1",
        "BININT2",
        "BINSTRING",
        "BINUNICODE",
        "BINUNICODE8",
        "BYTEARRAY8",
        "FLOAT",
        "INT",
        "LONG",
        "LONG1",
        "LONG4",
        "SHORT_BINBYTES",
        "SHORT_BINSTRING",
        "SHORT_BINUNICODE",
        "STRING",
        "UNICODE",
    }
)
_CONSTANTS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
_MAX_OPERATIONS = 1_000_000
"""Of a pickle, for its values take some 100 bytes each; that of a whole model has 60,000."""

_KEYS = (str, int, float, bytes, bool, type(None))
"""Keys that are kept. A deep tuple would take for ever to hash, and nobody asks for what lies under one."""


@dataclass(frozen=True, slots=True)
class PersistentId:
    """What a pickle leaves to whoever reads it: in PyTorch's files, a storage."""

    value: object


@dataclass(slots=True, kw_only=True, eq=False)
class Inert:
    """What a pickle wants made by calling `maker`: its arguments, state and items, and nothing made of them."""

    maker: object
    args: tuple[object, ...] = ()
    state: dict[str, object] = field(default_factory=dict)
    items: dict[object, object] = field(default_factory=dict)

    @property
    def class_name(self) -> str:
        """The name of the class or function, "" where it has none."""
        return self._named.name if self._named else ""

    @property
    def module(self) -> str:
        """The module of the class or function, "" where it has none."""
        return self._named.module if self._named else ""

    @property
    def _named(self) -> Name | None:
        match self.maker:
            # So PyTorch before 1.6 saved a module's class, with its source text.
            case (Name() as name) | PersistentId(("module", Name() as name, *_)):
                return name
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpickled:
    """A pickle's value, and the persistent ids and names that turned up in it, in their order."""

    value: object
    persistent_ids: list[PersistentId]
    names: list[Name]


def read_pickle(stream: IO[bytes]) -> Unpickled:
    """The next pickle of a stream, which is left just behind it.

    Raises:
        CheckpointUnsafe: it names something that could run code.
        CheckpointUnreadable: it is truncated or no pickle.
    """
    machine = _Machine()
    try:
        value = machine.run(pickletools.genops(stream))
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
        raise CheckpointUnreadable("its pickle is truncated or damaged") from error
    return Unpickled(value=value, persistent_ids=machine.persistent_ids, names=list(machine.names.values()))


class _Machine:
    """The pickle machine's stack and memo. Errors of Python's own mean that the pickle is damaged."""

    def __init__(self) -> None:
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}
        self.persistent_ids: list[PersistentId] = []
        self.names: dict[Name, Name] = {}

    def run(self, operations: Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]) -> object:
        for operation, argument, _ in islice(operations, _MAX_OPERATIONS):
            name = operation.name
            if name == "STOP":
                return self._stack.pop()
            if name in _LITERALS:
                self._stack.append(argument)
            elif name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name]())
            else:
                self._work(name, argument)
        raise ValueError("no STOP")

    def _work(self, name: str, argument: Any) -> None:
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MARK" | "POP" | "POP_MARK" | "DUP":
                self._shift(name)
            case "GET" | "BINGET" | "LONG_BINGET":
                self._stack.append(self._memo[argument])
            case "PUT" | "BINPUT" | "LONG_BINPUT" | "MEMOIZE":
                self._memo[len(self._memo) if name == "MEMOIZE" else argument] = self._stack[-1]
            case "GLOBAL" | "STACK_GLOBAL":
                self._push_name(*(argument.split(" ", 1) if name == "GLOBAL" else self._take(2)))
            case "PERSID" | "BINPERSID":
                self._push_persistent(argument if name == "PERSID" else self._stack.pop())
            case "REDUCE" | "NEWOBJ" | "NEWOBJ_EX" | "INST" | "OBJ":
                self._stack.append(self._make(name, argument))
            case "BUILD":
                state = self._stack.pop()
                _build(self._stack[-1], state)
            case _:
                self._collect(name)

    def _collect(self, name: str) -> None:
        """The opcodes of tuples, lists, dictionaries and sets."""
        match name:
            case "TUPLE":
                self._stack.append(tuple(self._to_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self._stack.append(tuple(self._take(int(name[-1]))))
            case "LIST":
                self._stack.append(self._to_mark())
            case "DICT":
                self._stack.append(_put({}, self._to_mark()))
            case "FROZENSET":
                self._stack.append({each for each in self._to_mark() if isinstance(each, _KEYS)})
            case "APPEND":
                _extend(*self._with_top(self._take(1)))
            case "APPENDS" | "ADDITEMS":
                _extend(*self._with_top(self._to_mark()))
            case "SETITEM":
                _put(*self._with_top(self._take(2)))
            case "SETITEMS":
                _put(*self._with_top(self._to_mark()))
            case _:
                # Extension codes and buffers outside of the pickle: PyTorch writes neither.
                raise ValueError(f"opcode {name}")

    def _shift(self, name: str) -> None:
        match name:
            case "MARK":
                self._marks.append(len(self._stack))
            case "DUP":
                self._stack.append(self._stack[-1])
            case "POP" if not self._marks or self._marks[-1] < len(self._stack):
                self._stack.pop()
            case _:
                self._to_mark()

    def _make(self, name: str, argument: Any) -> Inert:
        """A note of a call; the five opcodes differ in where they find what is to be called."""
        match name:
            case "INST":
                self._push_name(*argument.split(" ", 1))
                maker = self._stack.pop()
                return Inert(maker=maker, args=tuple(self._to_mark()))
            case "OBJ":
                maker, *args = self._to_mark()
                return Inert(maker=maker, args=tuple(args))
            case "NEWOBJ_EX":
                maker, args_, _ = self._take(3)
            case _:
                maker, args_ = self._take(2)
        given = args_ if isinstance(args_, tuple) else ()
        # Objects without a way of their own are made by copyreg, which is told their class.
        if isinstance(maker, Name) and maker.module == "copyreg" and given:
            maker, *rest = given
            given = tuple(rest)
        return Inert(maker=maker, args=given)

    def _push_name(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no text")
        wanted = modern_name(module, name)
        check_name(wanted)
        self._stack.append(self.names.setdefault(wanted, wanted))

    def _push_persistent(self, value: object) -> None:
        self.persistent_ids.append(PersistentId(value))
        self._stack.append(self.persistent_ids[-1])

    def _take(self, number: int) -> list[object]:
        if len(self._stack) < number:
            raise IndexError("the stack is too short")
        taken = self._stack[-number:]
        del self._stack[-number:]
        return taken

    def _to_mark(self) -> list[object]:
        position = self._marks.pop()
        taken = self._stack[position:]
        del self._stack[position:]
        return taken

    def _with_top(self, taken: list[object]) -> tuple[object, list[object]]:
        return self._stack[-1], taken


def _put(target: object, flat: list[object]) -> object:
    """Puts keys and values, one after the other, into a dictionary or what stands for one."""
    items = target.items if isinstance(target, Inert) else target
    if not isinstance(items, dict):
        raise TypeError("no dictionary")
    items.update((key, value) for key, value in zip(flat[::2], flat[1::2], strict=True) if isinstance(key, _KEYS))
    return target


def _extend(target: object, taken: list[object]) -> None:
    if isinstance(target, list):
        target.extend(taken)
    elif isinstance(target, set):
        target.update(each for each in taken if isinstance(each, _KEYS))
    elif isinstance(target, Inert):
        target.items.update((len(target.items) + number, each) for number, each in enumerate(taken))
    else:
        raise TypeError("no list")


def _build(target: object, state: object) -> None:
    """Notes an object's state, a dictionary or a pair of them (the second for slots); any other says nothing to us."""
    if not isinstance(target, Inert):
        return
    for part in state if isinstance(state, tuple) else (state,):
        if isinstance(part, dict):
            target.state.update((key, value) for key, value in part.items() if isinstance(key, str))
