"""The doctor: looks at every server that Pantile needs, and at this machine, and says what to do about what is amiss.

It changes nothing but one object of its own in the bucket, which it removes again.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own

from pantile import __version__
from pantile.catalog import schema, vital_signs, workers
from pantile.catalog.database import Database, Row
from pantile.catalog.vital_signs import VitalSigns
from pantile.domain.errors import ObjectMissing, PantileError, ServiceDown
from pantile.domain.findings import Finding, fault, warning, well
from pantile.domain.workers import SILENT_AFTER_S, WorkerKind
from pantile.objects import ObjectStore
from pantile.queue import BrokerSigns, Sender
from pantile.settings import Settings

_GIB = 2**30
_OLDEST_POSTGRES = 15
_ROOM = 0.9
"""The share of connections or memory from which on they are said to run short."""

_SKEW_S = 2.0
_SKEW_OF_STORE_S = 600.0
"""S3 refuses signatures of a clock that differs by 15 minutes."""

_FREE_GIB = 10
_WORKER_GIB = 4
"""What a segment worker takes with the study's networks and ROIs of 125 megapixels (docs/performance.md)."""


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, one after another as they are made."""
    yield from _examine_catalog(settings)
    yield from _examine_broker(settings)
    yield from _examine_bucket(settings)
    yield from _examine_machine(settings)


def _examine_catalog(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url.get_secret_value():
        yield fault("PostgreSQL", "no database is named", "Set PANTILE_DATABASE_URL.")
        return
    with closing(Database.from_settings(settings, connections=1, application="pantile doctor")) as database:
        try:
            started = perf_counter()
            with database.transaction() as connection:
                signs = vital_signs.read_vital_signs(connection)
        except ServiceDown as error:
            yield fault("PostgreSQL", str(error), "Start it, or mend PANTILE_DATABASE_URL; see its log.")
            return
        yield from _judge_postgres(signs, seconds=perf_counter() - started)
        yield _judge_schema(settings)
        try:
            with database.transaction() as connection:
                listed = workers.list_workers(connection)
        except ServiceDown:
            return  # the schema is not this version's, as was said
        yield from judge_workers(listed)


def _judge_postgres(signs: VitalSigns, *, seconds: float) -> Iterator[Finding]:
    seen = f"{signs.version}, {signs.database_bytes / _GIB:.2f} GiB, answered in {seconds * 1000:.0f} ms"
    if int(signs.version.partition(".")[0]) < _OLDEST_POSTGRES:
        yield fault("PostgreSQL", seen, f"Bring it to version {_OLDEST_POSTGRES} or later.")
    elif signs.loses_commits:
        yield warning("PostgreSQL", f"{seen}; fsync or synchronous_commit is off", "Set both to on: it loses commits.")
    else:
        yield well("PostgreSQL", seen)
    used = f"{signs.connections} of {signs.most_connections} in use"
    if signs.connections > _ROOM * signs.most_connections:
        yield warning("connections", used, "Raise max_connections, or run fewer processes; a worker opens about 10.")
    else:
        yield well("connections", used)
    yield judge_clock("clock of PostgreSQL", (datetime.now(UTC) - signs.now).total_seconds(), most_s=_SKEW_S)
    for process in ("coordinator", "web"):
        if signs.processes.get(f"pantile {process}"):
            yield well(process, "is connected to PostgreSQL")
        else:
            yield warning(process, "is not connected to PostgreSQL", f"Start it: `pantile {process}`.")


def judge_clock(subject: str, ahead_s: float, *, most_s: float) -> Finding:
    """Whether this machine's clock, ahead of another by so much, is near enough to it."""
    seen = f"{abs(ahead_s):.1f} s {'behind' if ahead_s > 0 else 'ahead of'} this machine's"
    if abs(ahead_s) <= most_s:
        return well(subject, seen)
    return warning(subject, seen, "Let both keep the time by NTP.")


def _judge_schema(settings: Settings) -> Finding:
    found = schema.read_schema(settings.database_url.get_secret_value())
    seen = f"revision {found.revision or 'none'}; version {__version__} knows {found.newest}"
    if not found.is_known:
        return fault("schema", seen, "The database is newer than this Pantile: renew this one.")
    if found.revision != found.newest:
        return fault("schema", seen, "Run `pantile database migrate`.")
    return well("schema", seen)


def judge_workers(listed: list[Row]) -> Iterator[Finding]:
    """Whether there are workers of each kind that are heard of, and of this version."""
    heard = [row for row in listed if row["silent_s"] <= SILENT_AFTER_S]
    for kind in (WorkerKind.SEGMENT, WorkerKind.IMAGING):
        own = [row for row in heard if row["kind"] == kind]
        seen = f"{len(own)}, of which {sum(row['drain_asked_at'] is not None for row in own)} take no new work"
        remedy = f"Start one: `pantile worker {kind}`."
        yield well(f"{kind} workers", seen) if own else warning(f"{kind} workers", "none", remedy)
    if silent := [row["name"] for row in listed if row["silent_s"] > SILENT_AFTER_S]:
        remedy = "Look whether they still run, and at their logs; what they held comes back by itself."
        yield warning("silent workers", ", ".join(silent), remedy)
    if others := sorted({f"{row['name']} ({row['version']})" for row in heard if row["version"] != __version__}):
        yield warning("versions", f"workers of other versions than {__version__}: {', '.join(others)}", "Renew them.")


def _examine_broker(settings: Settings) -> Iterator[Finding]:
    if not settings.broker_url.get_secret_value():
        yield fault("Redis", "no broker is named", "Set PANTILE_BROKER_URL.")
        return
    with closing(Sender(settings)) as sender:
        try:
            signs, under_way = sender.read_vital_signs(), sender.count_under_way()
        except ServiceDown as error:
            yield fault("Redis", str(error), "Start it, or mend PANTILE_BROKER_URL; see its log.")
            return
    yield judge_broker(signs)
    queued = ", ".join(f"{queue} {number:,}" for queue, number in under_way.queued.items() if number)
    yield well("queues", f"{queued or 'empty'}; {under_way.unacknowledged:,} in hand")


def judge_broker(signs: BrokerSigns) -> Finding:
    """Whether Redis keeps what it is given; a lost message costs time and no result."""
    limit = f" of {signs.most_bytes / _GIB:.2f}" if signs.most_bytes else ""
    seen = f"{signs.version}, {signs.used_bytes / _GIB:.2f}{limit} GiB"
    if signs.evicts or signs.evicted:
        return warning("Redis", f"{seen}; it throws messages away", "Set maxmemory-policy noeviction.")
    if signs.most_bytes and signs.used_bytes > _ROOM * signs.most_bytes:
        return warning("Redis", f"{seen}; it is nearly full", "Raise maxmemory, or lower PANTILE_MOST_QUEUED.")
    if not signs.keeps_a_log:
        return warning("Redis", f"{seen}; a restart loses all messages", "Set appendonly yes; they are sent again.")
    return well("Redis", seen)


def _examine_bucket(settings: Settings) -> Iterator[Finding]:
    objects = ObjectStore.from_settings(settings)
    subject, key = f"bucket {settings.s3_bucket}", f"doctor/{uuid4().hex}"
    rights: tuple[tuple[str, Callable[[], object]], ...] = (
        ("list", lambda: next(objects.lots("doctor/"), None)),
        ("put", lambda: objects.put(key, b"well", media_type="text/plain")),
        ("get", lambda: objects.get(key)),
        ("copy", lambda: objects.copy(key, f"{key}-copy")),
        ("get at the public address", lambda: objects.reach_publicly(key)),
    )
    faults, clock = 0, None
    for right, use in rights:
        if (found := _try_right(subject, right, use)) is not None:
            faults += 1
            yield found
            if right in {"list", "put"}:
                return
    for lot in objects.lots(key):
        clock = max(each.written_at for each in lot) if lot else clock
    for each in (key, f"{key}-copy"):
        if (found := _try_right(subject, "delete", partial(objects.delete, each))) is not None:
            yield found
            return
    if not faults:
        yield well(subject, ", ".join((*(right for right, _ in rights), "delete")))
    if clock is not None:
        # Stores tell the second in which an object was written.
        ahead_s = (datetime.now(UTC) - clock) / timedelta(seconds=1)
        yield judge_clock("clock of the object store", ahead_s, most_s=_SKEW_OF_STORE_S)


def _try_right(subject: str, right: str, use: Callable[[], object]) -> Finding | None:
    try:
        use()
    except ObjectMissing:
        return fault(subject, f"cannot {right}: the bucket is not there", "Run `pantile bucket create`.")
    except PantileError as error:
        remedy = f"See that the store answers at PANTILE_S3_ENDPOINT, and that the key may {right} in this bucket."
        if "public" in right:
            remedy = "See that PANTILE_S3_PUBLIC_ENDPOINT is an address that clients and this machine reach."
        return fault(subject, f"cannot {right}: {error}", remedy)
    return None


def _examine_machine(settings: Settings) -> Iterator[Finding]:
    home = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    for folder in dict.fromkeys((home, Path("/tmp"))):  # noqa: S108 — where workers have their scratch, unless told
        usage = shutil.disk_usage(folder)
        seen = f"{usage.free / _GIB:.0f} of {usage.total / _GIB:.0f} GiB free"
        if usage.free < _FREE_GIB * _GIB:
            yield warning(f"disk of {folder}", seen, "Make room: checkpoints, slides and the embedded stack lie there.")
        else:
            yield well(f"disk of {folder}", seen)
    memory = psutil.virtual_memory()
    seen = f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB available, {psutil.cpu_count()} cores"
    if memory.available < _WORKER_GIB * _GIB:
        yield warning("memory", seen, f"A segment worker takes up to {_WORKER_GIB} GiB: stop others, or lower "
                      "PANTILE_WORKER_THREADS.")  # fmt: skip
    else:
        yield well("memory", seen)
    yield _examine_gpus()


def _examine_gpus() -> Finding:
    try:
        import pynvml  # noqa: PLC0415 — it comes with the workers
    except ModuleNotFoundError:
        return well("GPU", "not looked for: this machine has no workers installed")
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        told = [
            f"{pynvml.nvmlDeviceGetName(handle)} ({pynvml.nvmlDeviceGetMemoryInfo(handle).free / _GIB:.0f} GiB free)"
            for handle in handles
        ]
    except pynvml.NVMLError as error:
        return well("GPU", f"none: {error}; segment workers here use the CPU")
    return well("GPU", f"{', '.join(told) or 'none'}; driver {pynvml.nvmlSystemGetDriverVersion()}")
