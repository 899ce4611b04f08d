"""What one worker process keeps while it lives: its name, connections, leases, and on a segment worker the engine."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from secrets import token_hex
from threading import Event, Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pantile.catalog.database import Database
from pantile.objects import ObjectStore
from pantile.settings import Settings
from pantile_workers.leasing import LeaseKeeper, Solitude
from pantile_workers.slide_files import SlideFiles

if TYPE_CHECKING:
    import torch

    from pantile_workers.inference.engine import Engine

_STORING_THREADS = 4


class Runtime:
    """The surroundings of all tasks of one worker process."""

    def __init__(self, settings: Settings, *, kind: str) -> None:
        self.settings = settings
        self.name = f"{kind}-{os.getpid()}-{token_hex(2)}@{socket.gethostname()}"
        self.database = Database.from_settings(
            settings, connections=settings.worker_threads + _STORING_THREADS + 1, application=f"pantile {kind}"
        )
        self.objects = ObjectStore.from_settings(settings)
        self.leases = LeaseKeeper(self.database, lease_s=settings.lease_s)
        self.solitude = Solitude()
        self.stopping = Event()
        self.storing = ThreadPoolExecutor(_STORING_THREADS, thread_name_prefix="storing")
        self._engine: Engine | None = None
        self._device: str | None = None
        self._making_engine = Lock()
        self._scratch = Path(tempfile.mkdtemp(prefix="pantile-"))
        self.slides = SlideFiles(settings, self._scratch / "slides")

    def __enter__(self) -> Self:
        """The runtime with its heartbeat going; all of it ends with the block."""
        self.leases.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leases.stop()
        self.storing.shutdown(cancel_futures=True)
        if self._engine is not None:
            self._engine.close()
        self.database.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def engine(self) -> "Engine":
        """The engine on this worker's device, made when it is first asked for."""
        # Importing the networks' libraries takes seconds, and an imaging worker needs none of them.
        from pantile_workers.inference.engine import Engine  # noqa: PLC0415

        with self._making_engine:
            if self._engine is None:
                self._engine = Engine(
                    device=self.settings.device,
                    batch_patches=self.settings.batch_patches,
                    segmenter_cache=self.settings.segmenter_cache,
                    torch_threads=self.settings.torch_threads,
                )
            return self._engine

    @property
    def gpu_uuid(self) -> str:
        """The UUID of the engine's GPU; empty on a CPU, and while there is no engine yet."""
        return self._engine.gpu_uuid if self._engine is not None else ""

    @property
    def device_name(self) -> str | None:
        """The device as people know it, once the engine or a training has one."""
        if self._device is None and self._engine is not None:
            self.note_device(self._engine.device)
        return self._device

    def note_device(self, device: "torch.device") -> None:
        """Notes on which device this worker computes."""
        from pantile_workers.inference.devices import describe_device  # noqa: PLC0415 — torch only where it is used

        self._device = describe_device(device)

    @contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """An empty folder on this machine's disk, removed at the end of the block."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            yield Path(folder)

    def fetch_checkpoint(self, key: str, *, sha256: str) -> Path:
        """A checkpoint's file on this machine, fetched once and verified; raises as `ObjectStore.get` does."""
        path = self._scratch / PurePosixPath(key).name
        if not path.exists():
            partial = path.with_suffix(f".{token_hex(4)}")
            try:
                partial.write_bytes(self.objects.get(key, sha256=sha256))
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        return path
