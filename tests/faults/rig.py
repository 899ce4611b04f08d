"""The rig: the whole stack, with a proxy before each server and traps in the workers, and cohorts to run through it."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from redis import Redis
from safetensors.torch import save

from pantile.catalog.database import Database, Row
from pantile.client.api import ApiClient
from pantile.client.uploads import HashedFile, hash_file, upload_file, upload_images
from pantile.domain.errors import ServiceDown
from pantile.domain.jobs import JobState
from pantile.local.children import end_process
from pantile.local.health import answers
from pantile.local.processes import Process
from pantile.local.stack import Stack
from pantile.local.state import RunningService
from pantile.objects import ObjectStore
from pantile.queue import Sender
from pantile.schemas.cohorts import CohortOut
from pantile.schemas.segmenters import CheckpointIn, SegmenterIn
from pantile.schemas.submissions import RoiIn, SubmissionIn
from tests.faults.poison import COLOURS, Poison
from tests.faults.proxies import Mode, Proxy

SERVERS = ("postgres", "redis", "s3")
WORKERS = ("segment-1", "segment-2", "segment-3")
SEGMENTERS = ("amber", "beryl", "coral")
PATIENCE_S = 240.0
"""For a cohort to end, on a machine that has other things to do as well."""

HASTE = {
    "PANTILE_DEVICE": "cpu",
    "PANTILE_TORCH_THREADS": "1",
    "PANTILE_WORKER_THREADS": "2",
    "PANTILE_LEASE_S": "5",
    "PANTILE_RECONCILE_INTERVAL_S": "1",
    "PANTILE_HINT_STALE_S": "15",
    "PANTILE_MAX_ATTEMPTS": "3",
    "PANTILE_JOB_DEADLINE_S": "30",
}
"""Settings by which what takes a minute in earnest takes seconds, and a loaded machine still loses no lease."""

_EDGE_PX = 150
_LAUNCHER = Path(__file__).with_name("launcher.py")
_CARD = """
name = "{name}"
version = "1"
title = "A tiny network with random weights"
architecture = "Unet"
encoder = "timm-mobilenetv3_small_minimal_100"
output_channels = 2
decoder_channels = [8, 8, 4, 4, 4]
model_mpp = 1.0
patch_px = 512
licence = "Apache-2.0"

[[classes]]
index = 0
name = "glass"
group = "background"
simplified_rgb = [255, 255, 255]
detailed_rgb = [255, 255, 255]

[[classes]]
index = 1
name = "tumor"
group = "tumor"
simplified_rgb = [0, 0, 255]
detailed_rgb = [0, 0, 255]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A cohort that was submitted: its name, and how many jobs it is to have."""

    cohort: str
    jobs: int
    poisoned: Mapping[str, Poison] = field(default_factory=dict)


class Rig:
    """Real servers, and our processes started by the launcher."""

    def __init__(self, home: Path, scratch: Path, *, rois: int) -> None:
        self.rois = rois
        self.traps = scratch / "traps"
        for folder in ("sprung", "clocks"):
            (self.traps / folder).mkdir(parents=True)
        self._images = scratch / "images"
        self._images.mkdir()
        self.submitted: list[Submitted] = []
        self.stack = Stack(home, processes=_processes())
        self.proxies = {name: Proxy(partial(self._port, name)) for name in SERVERS}

    def _port(self, server: str) -> int:
        return self.stack.state.ports[server]

    def environment(self) -> dict[str, str]:
        """What the launcher needs to know, and hasty settings."""
        ports = ",".join(f"{name}={proxy.port}" for name, proxy in self.proxies.items())
        return {**HASTE, "FAULTS_PROXIES": ports, "FAULTS_TRAPS": str(self.traps)}

    def open(self) -> None:
        """Connects past the proxies, once the stack is up, and registers the segmenters."""
        settings = self.stack.settings()
        self.settings = settings
        self.database = Database.from_settings(settings, application="pantile faults")
        self.objects = ObjectStore.from_settings(settings)
        self.redis = Redis.from_url(settings.broker_url.get_secret_value(), socket_timeout=10)
        self.sender = Sender(settings)
        self.api = ApiClient(settings.api_url, token=settings.api_token.get_secret_value())
        for seed, name in enumerate(SEGMENTERS):
            self.register(name, seed)

    def close(self) -> None:
        """Lets go of everything but the stack."""
        for proxy in self.proxies.values():
            proxy.close()
        self.sender.close()
        self.redis.close()
        self.database.close()

    def register(self, name: str, seed: int) -> None:
        """Registers a segmenter with random weights."""
        torch.manual_seed(seed)
        network = smp.create_model(
            "Unet",
            encoder_name="timm-mobilenetv3_small_minimal_100",
            encoder_weights=None,
            classes=2,
            decoder_channels=(8, 8, 4, 4, 4),
        )
        file = self._images / f"{name}.safetensors"
        file.write_bytes(save(network.state_dict()))
        hashed = hash_file(file)
        url = self.api.announce_checkpoint(CheckpointIn(sha256=hashed.sha256, bytes=hashed.bytes)).url
        if url is not None:
            upload_file(url, hashed)
        self.api.add_segmenter(SegmenterIn(card=_CARD.format(name=name), checkpoint_sha256=hashed.sha256))

    def submit(
        self, *, rois: int | None = None, poison: Sequence[Poison] = (), segmenters: Sequence[str] = SEGMENTERS
    ) -> Submitted:
        """Submits a cohort of ROIs never seen before, poisoned ones among them, and uploads their images."""
        cohort = f"EDITION-{len(self.submitted) + 1}"
        rois = self.rois if rois is None else rois
        # Poison lies in the middle, where all workers are busy.
        numbered: list[int | Poison] = [*range(rois // 2), *poison, *range(rois // 2, rois)]
        files = [self._draw(number, cohort) for number in numbered]
        self.api.submit(
            SubmissionIn(
                cohort=cohort,
                segmenters=list(segmenters),
                rois=[
                    RoiIn(path=file.file.name, slide=_slide(number), mpp=1.0, sha256=file.sha256, bytes=file.bytes)
                    for number, file in zip(numbered, files, strict=True)
                ],
            )
        )
        outcome = upload_images(self.api, cohort, {file.sha256: file for file in files})
        assert not outcome.failures
        poisoned = {_slide(each): each for each in numbered if isinstance(each, Poison)}
        self.submitted.append(Submitted(cohort=cohort, jobs=len(files) * len(segmenters), poisoned=poisoned))
        return self.submitted[-1]

    def _draw(self, number: int | Poison, edition: str) -> HashedFile:
        """An image with pixels of its number, and bytes of its edition: a new ROI whose class maps are known."""
        if isinstance(number, Poison):
            colour = next(colour for colour, poison in COLOURS.items() if poison is number)
            image = Image.new("RGB", (_EDGE_PX, _EDGE_PX), colour)
        else:
            grain = np.random.default_rng(number).integers(0, 255, (12, 12, 3), dtype=np.uint8)
            image = Image.fromarray(grain).resize((_EDGE_PX, _EDGE_PX))
        text = PngInfo()
        text.add_text("edition", edition)
        content = BytesIO()
        image.save(content, "PNG", pnginfo=text)
        file = self._images / f"{edition}-{_slide(number)}.png"
        file.write_bytes(content.getvalue())
        return hash_file(file)

    def standing(self, submitted: Submitted) -> CohortOut | None:
        """Where a cohort stands by the API; None while that cannot be told."""
        try:
            return self.api.cohort(submitted.cohort)
        except ServiceDown:
            return None

    def await_share(self, submitted: Submitted, share: float) -> None:
        """Waits until that share of a cohort's jobs has ended."""

        def has_come() -> bool:
            seen = self.standing(submitted)
            return (
                seen is not None
                and seen.jobs[JobState.SUCCEEDED] + seen.jobs[JobState.FAILED] >= share * submitted.jobs
            )

        self.wait_until(has_come, f"{share:.0%} of {submitted.cohort} has ended")

    def await_end(self, submitted: Submitted) -> CohortOut:
        """Waits until a cohort is settled, and gives its standing."""
        seen: list[CohortOut] = []

        def is_settled() -> bool:
            standing = self.standing(submitted)
            if standing is not None and standing.settled:
                seen.append(standing)
            return bool(seen)

        self.wait_until(is_settled, f"{submitted.cohort} is settled")
        return seen[0]

    def wait_until(self, comes_true: Callable[[], bool], what: str, *, patience_s: float = PATIENCE_S) -> None:
        """Waits for something; fails with the state of the jobs when it does not come."""
        deadline = time.monotonic() + patience_s
        while not comes_true():
            assert time.monotonic() < deadline, f"not within {patience_s:.0f} s: {what}; {self.describe()}"
            time.sleep(0.1)

    def describe(self) -> str:
        """What has not ended, who does what in PostgreSQL, what is queued, and what the processes said last."""
        rows = {
            table: self.query(f"SELECT * FROM {table} WHERE state IN ('waiting', 'running') ORDER BY id LIMIT 5")  # noqa: S608
            for table in ("jobs", "chores")
        }
        sessions = self.query(
            """
            SELECT application_name, state, wait_event, xact_start, pg_blocking_pids(pid) AS blocked_by, pid, query
            FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'
            """
        )
        processes = {
            service.name: f"{service.identity.pid} {psutil.Process(service.identity.pid).status()}"
            for service in self.stack.state.services
            if service.identity.is_running()
        }
        logs = {name: self.stack.state.log(name).read_text()[-2000:] for name in ("coordinator", *WORKERS)}
        queue = self.sender.count_under_way()
        found = {"rows": rows, "sessions": sessions, "processes": processes, "queue": str(queue), "logs": logs}
        return json.dumps(found, default=str, indent=1).replace("\\n", "\n")

    def arm(self, place: str, action: str, *, times: int = 1) -> None:
        """Lays so many traps at a place of the segment workers."""
        for number in range(times):
            (self.traps / f"{place},{action},{number}").touch()

    def sprung(self, place: str) -> list[int]:
        """The pids of the workers that were caught at a place."""
        return [int(trap.name.split(",")[3]) for trap in (self.traps / "sprung").glob(f"{place},*")]

    def await_sprung(self, place: str, *, times: int = 1) -> list[int]:
        """Waits until so many workers were caught at a place, and gives their pids."""
        self.wait_until(lambda: len(self.sprung(place)) >= times, f"{times} workers are caught at {place}")
        return self.sprung(place)

    def service(self, name: str) -> RunningService:
        """The service of that name, as it runs at present."""
        return next(service for service in self.stack.state.services if service.name == name)

    def signal(self, name: str, number: signal.Signals) -> int:
        """Sends a signal to a service, and gives its pid."""
        pid = self.service(name).identity.pid
        os.kill(pid, number)
        return pid

    @contextmanager
    def running(self, process: Process) -> Iterator[None]:
        """Runs one more process beside those of the stack, unsupervised."""
        child = process.start(self.stack.state)
        try:
            self.wait_until(lambda: answers(process.probe(self.stack.state)), f"{process.name} is ready")
            yield
        finally:
            end_process(child.identity, process.stop_signal, 10.0)
            child.has_ended()

    def await_restart(self, name: str, pid: int) -> None:
        """Waits until another process than that one runs a service, and answers."""
        self.wait_until(lambda: self.service(name).identity.pid != pid and self._is_well(name), f"{name} runs again")

    def busy_worker(self) -> str:
        """The service name of a segment worker that holds a job."""
        found: list[str] = []

        def holds_a_job() -> bool:
            pids = {self.service(name).identity.pid: name for name in WORKERS}
            for row in self.query("SELECT DISTINCT lease_owner FROM jobs WHERE state = 'running'"):
                found.extend(pids[pid] for pid in [int(row["lease_owner"].split("-")[1])] if pid in pids)
            return bool(found)

        self.wait_until(holds_a_job, "a worker holds a job")
        return found[0]

    def query(self, statement: str, values: Mapping[str, object] | None = None) -> list[Row]:
        """Rows straight from the catalog."""
        with self.database.transaction() as connection:
            return connection.execute(statement, values).fetchall()

    def execute(self, statement: str, values: Mapping[str, object]) -> None:
        """Changes the catalog past everybody."""
        with self.database.transaction() as connection:
            connection.execute(statement, values)

    def attempts(self, submitted: Submitted) -> list[Row]:
        """All attempts at a cohort's jobs."""
        return self.query(
            """
            SELECT a.*, r.slide, s.name AS segmenter FROM job_attempts a JOIN cohort_jobs cj USING (job_id)
            JOIN cohorts c ON c.id = cj.cohort_id JOIN rois r ON r.id = cj.roi_id
            JOIN jobs j ON j.id = a.job_id JOIN segmenters s ON s.id = j.segmenter_id
            WHERE c.name = %(cohort)s ORDER BY job_id, attempt
            """,
            {"cohort": submitted.cohort},
        )

    def make_whole(self) -> None:
        """Takes every fault away, and waits until all services answer."""
        for trap in self.traps.glob("*,*"):
            trap.unlink()
        for trap in (self.traps / "sprung").iterdir():
            trap.unlink()
        for clock in (self.traps / "clocks").iterdir():
            clock.unlink()
        for proxy in self.proxies.values():
            proxy.set(Mode.PASS)
        for service in self.stack.state.services:
            if service.identity.is_running():
                os.kill(service.identity.pid, signal.SIGCONT)
        names = [service.name for service in self.stack.state.services]
        self.wait_until(lambda: all(self._is_well(name) for name in names), "every service is well")

    def _is_well(self, name: str) -> bool:
        service = self.service(name)
        return service.identity.is_running() and answers(service.probe)


def _processes() -> Iterable[Process]:
    launch = (sys.executable, str(_LAUNCHER))
    yield Process(name="coordinator", command=(*launch, "coordinator"))
    # The API is asked what is the case while servers are away, so it goes past the proxies.
    yield Process(
        name="web",
        command=(sys.executable, "-m", "pantile", "web", "--host", "127.0.0.1", "--port", "{port}"),
        health_path="/healthz",
    )
    yield Process(name="imaging", command=(*launch, "worker", "imaging"))
    for name in WORKERS:
        yield Process(name=name, command=(*launch, "worker", "segment"))


def second_coordinator() -> Process:
    """Another coordinator, to run beside the first."""
    return replace(next(iter(_processes())), name="coordinator-2")


def _slide(number: int | Poison) -> str:
    return f"roi{number:03d}" if isinstance(number, int) else f"poison-{number.name.lower().replace('_', '-')}"
