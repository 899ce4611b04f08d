"""Chores: leased work beside the jobs, done by imaging workers (ingesting a ROI's image, drawing an overlay)."""

from dataclasses import dataclass
from uuid import UUID

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, announce_work
from pantile.catalog.leases import Lease
from pantile.domain.segmenters import Card, card_from


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoreClaim:
    """What came of asking for a chore: its lease, or why there is none."""

    lease: Lease | None = None
    needs_solitude: bool = False


def claim_chore(
    connection: Connection, chore_id: int, *, worker: str, token: UUID, lease_s: float, alone: bool = False
) -> ChoreClaim:
    """Claims a waiting chore; a suspect only with `alone`, as with jobs."""
    asked = connection.execute(
        "SELECT suspect FROM chores WHERE id = %s AND state = 'waiting' AND not_before <= clock_timestamp() FOR UPDATE",
        [chore_id],
    ).fetchone()
    if asked is None:
        return ChoreClaim()
    if asked["suspect"] and not alone:
        return ChoreClaim(needs_solitude=True)
    connection.execute(
        """
        UPDATE chores SET state = 'running', attempt = attempt + 1, lease_token = %s, lease_owner = %s,
            lease_until = clock_timestamp() + make_interval(secs => %s), started_at = clock_timestamp()
        WHERE id = %s
        """,
        [token, worker, lease_s, chore_id],
    )
    return ChoreClaim(lease=Lease(table="chores", row_id=chore_id, token=token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """What an ingest chore is about: the ROI, and where its image comes from."""

    roi_id: int
    cohort_id: int
    roi_mpp: float
    source: str
    is_remote: bool
    expected_sha256: str | None
    charged_attempts: int
    max_attempts: int


def read_ingest(connection: Connection, chore_id: int) -> Ingest:
    """The subject of an ingest chore."""
    row = connection.execute(
        """
        SELECT r.id AS roi_id, r.cohort_id, r.mpp AS roi_mpp, r.source, r.is_remote, r.expected_sha256,
               c.charged_attempts, c.max_attempts
        FROM chores c JOIN rois r ON r.id = c.roi_id WHERE c.id = %s
        """,
        [chore_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — a chore has its ROI, by its foreign key
    return Ingest(**row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What an overlay chore is about: the ROI's image, and the class map to lay over it."""

    job_id: int
    image_key: str
    image_sha256: str
    class_map_key: str
    class_map_sha256: str
    extent_width_px: float
    extent_height_px: float
    card: Card


def read_overlay(connection: Connection, chore_id: int) -> Overlay:
    """The subject of an overlay chore."""
    row = connection.execute(
        """
        SELECT j.id AS job_id, i.object_key AS image_key, i.sha256 AS image_sha256, m.object_key AS class_map_key,
               m.sha256 AS class_map_sha256, m.extent_width_px, m.extent_height_px, s.card
        FROM chores c JOIN jobs j ON j.id = c.job_id JOIN images i ON i.sha256 = j.image_sha256
        JOIN class_maps m ON m.job_id = j.id JOIN segmenters s ON s.id = j.segmenter_id
        WHERE c.id = %s
        """,
        [chore_id],
    ).fetchone()
    assert row is not None  # noqa: S101 — an overlay is asked for only of a job that succeeded
    return Overlay(**{**row, "card": card_from(row["card"])})


def ask_overlays(connection: Connection, cohort_id: int, *, actor: str) -> int:
    """Asks for the overlays that a cohort's class maps lack (failed ones once more); gives how many. Audited.

    Whole slides have none.
    """
    asked = connection.execute(
        """
        INSERT INTO chores (kind, job_id)
        SELECT DISTINCT 'overlay', m.job_id FROM cohort_jobs cj JOIN class_maps m ON m.job_id = cj.job_id
        JOIN rois r ON r.id = cj.roi_id AND r.roi_number > 0
        WHERE cj.cohort_id = %s AND NOT EXISTS (SELECT 1 FROM overlays o WHERE o.job_id = m.job_id)
        ORDER BY m.job_id
        ON CONFLICT (kind, job_id) DO UPDATE SET state = 'waiting', charged_attempts = 0, suspect = false,
            not_before = now(), published_at = NULL, finished_at = NULL
            WHERE chores.state IN ('failed', 'cancelled')
        """,
        [cohort_id],
    ).rowcount
    details = {"overlays": asked}
    record_action(connection, actor=actor, action="ask overlays", subject=f"cohort {cohort_id}", details=details)
    announce_work(connection)
    return asked


def keep_overlay(connection: Connection, job_id: int, *, object_key: str, sha256: str, bytes_: int) -> None:
    """Stores where a job's overlay is."""
    connection.execute(
        """
        INSERT INTO overlays (job_id, object_key, sha256, bytes) VALUES (%s, %s, %s, %s)
        ON CONFLICT (job_id) DO UPDATE SET object_key = excluded.object_key, sha256 = excluded.sha256,
            bytes = excluded.bytes
        """,
        [job_id, object_key, sha256, bytes_],
    )
