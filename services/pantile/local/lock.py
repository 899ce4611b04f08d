"""One owner for a thing: locks that the system takes back when their holder dies, however it dies."""

import fcntl
import os
import tempfile
from pathlib import Path


class FileLock:
    """An exclusive lock on a file; not inherited by children."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Takes the lock; False where somebody else has it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Gives the lock back, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def home_lock(home: Path) -> FileLock:
    """The lock on a data folder."""
    return FileLock(home / "stack.lock")


class PortClaims:
    """The ports that a stack has chosen, kept from the user's other stacks before anything listens there.

    Seconds lie between the choice of the web service's port and its first answer: two stacks that start at once would
    choose the same.
    """

    def __init__(self) -> None:
        self._locks: list[FileLock] = []

    def claim(self, port: int) -> bool:
        """Claims a port; False where another stack has."""
        folder = Path(tempfile.gettempdir()) / f"pantile-ports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(folder / str(port))
        if not lock.acquire():
            return False
        self._locks.append(lock)
        return True

    def release(self) -> None:
        """Gives all ports back."""
        while self._locks:
            self._locks.pop().release()
