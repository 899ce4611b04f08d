"""Slides' files on this machine: its own where they lie, others fetched once and kept while there is room."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from threading import Condition
from urllib.parse import urlsplit
from uuid import uuid4

from pantile.domain.errors import ImageUnreachable
from pantile.objects import sha256_of
from pantile.settings import Settings
from pantile_workers.fetching import fetch_address

_GIB = 2**30


class SlideFiles:
    """A folder of fetched slides, shared by the tasks of one worker process; those used longest ago go first."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._changed = Condition()
        self._fetching: set[Path] = set()
        self._used: dict[Path, int] = {}

    @contextmanager
    def file(self, source: str) -> Iterator[Path]:
        """The slide's file, which stays there as long as the block lasts.

        Raises:
            ImageUnreachable: there is no such file, or it may not be read or fetched.
            ImageTooLarge: the file has more bytes than allowed.
            AddressDown, ObjectStoreDown: trouble that may pass.
        """
        if "://" not in source:
            yield self._local(source)
            return
        file = self._folder / f"{sha256_of(source.encode())}{PurePosixPath(urlsplit(source).path).suffix[:10]}"
        self._hold(file)
        try:
            if not file.exists():
                self._fetch(source, file)
            file.touch()
            yield file
        finally:
            self._let_go(file)

    def _local(self, source: str) -> Path:
        file = Path(source).resolve()
        folder = self._settings.slide_folder
        if folder and not file.is_relative_to(Path(folder).resolve()):
            raise ImageUnreachable(f"{source} is not below {folder} (PANTILE_SLIDE_FOLDER)")
        if not file.is_file():
            raise ImageUnreachable(f"this worker has no file {source}")
        return file

    def _hold(self, file: Path) -> None:
        """Waits for whoever fetches this very file."""
        with self._changed:
            self._used[file] = self._used.get(file, 0) + 1
            self._changed.wait_for(lambda: file not in self._fetching)
            if not file.exists():
                self._fetching.add(file)

    def _let_go(self, file: Path) -> None:
        with self._changed:
            self._fetching.discard(file)
            self._used[file] -= 1
            if not self._used[file]:
                del self._used[file]
            self._changed.notify_all()

    def _fetch(self, source: str, file: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{uuid4().hex}.part")
        try:
            with draft.open("wb") as body:
                fetch_address(source, body, self._settings, max_bytes=int(self._settings.max_slide_gib * _GIB))
            self._make_room(draft.stat().st_size)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
            with self._changed:
                self._fetching.discard(file)
                self._changed.notify_all()

    def _make_room(self, size: int) -> None:
        with self._changed:
            kept = [file for file in self._folder.iterdir() if file.suffix != ".part"]
            kept.sort(key=lambda file: file.stat().st_mtime)
            room = int(self._settings.slide_cache_gib * _GIB) - size - sum(file.stat().st_size for file in kept)
            for file in kept:
                if room >= 0:
                    return
                if file not in self._used:
                    room += file.stat().st_size
                    file.unlink()
