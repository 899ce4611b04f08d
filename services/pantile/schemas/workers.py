"""Workers and what they hold."""

from datetime import datetime

from pydantic import Field

from pantile.domain.workers import WorkerState
from pantile.schemas.shapes import Shape


class HeldOut(Shape):
    """A piece of work that a worker holds a lease on."""

    what: str = Field(description="job 17, training 3, or a chore: ingest, overlay, compare, pyramid, …")
    roi: str | None
    segmenter: str | None
    since: datetime


class WorkerOut(Shape):
    """A worker process."""

    name: str
    kind: str
    state: WorkerState = Field(description="silent: it has told nothing for 30 s, and has died or cannot be reached.")
    host: str
    pid: int
    device: str | None = Field(description="What its networks run on, once it has any.")
    queues: list[str]
    threads: int
    version: str
    started_at: datetime
    seen_at: datetime
    drain_asked_at: datetime | None = Field(description="Since when it is to take no new work.")
    holds: list[HeldOut] = Field(description="What it holds now, the oldest first.")


class WorkerList(Shape):
    """All workers, by kind, host and name. One that ends is taken off; one that went silent, after an hour."""

    workers: list[WorkerOut]
