"""What a process keeps of what it has read, so that it is read once: the latest, up to so many bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """The values used last, for threads to share; two that miss the same one at once make it once."""

    def __init__(self, *, max_bytes: int, weigh: Callable[[Value], int]) -> None:
        self._max_bytes = max_bytes
        self._weigh = weigh
        self._guard = Lock()
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._making: dict[Key, Lock] = {}
        self.bytes = 0

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value under a key, made now if it is not kept. What `make` raises is raised, and nothing kept."""
        with self._guard:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._guard:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                self._keep(key, value)
            finally:
                with self._guard:
                    self._making.pop(key, None)
            return value

    def _keep(self, key: Key, value: Value) -> None:
        with self._guard:
            if key not in self._values:
                self._values[key] = value
                self.bytes += self._weigh(value)
            # One that is larger than all that may be kept stays until the next: it is in use.
            while self.bytes > self._max_bytes and len(self._values) > 1:
                _, dropped = self._values.popitem(last=False)
                self.bytes -= self._weigh(dropped)
