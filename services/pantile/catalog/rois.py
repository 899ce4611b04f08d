"""ROIs and their images: submitted in one COPY, awaited, stored or refused."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row, announce_work
from pantile.domain.cohorts import ManifestRow
from pantile.domain.errors import CaseWithdrawn, RoiConflict
from pantile.domain.quality import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedRoi:
    """A manifest row together with what the client knows of the image it will upload (None for a remote one)."""

    row: ManifestRow
    sha256: str | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiCounts:
    """What a submission did: ROIs added, there already, and given a new image because the old one was refused."""

    added: int
    present: int
    replaced: int


_STAGE = """
CREATE TEMP TABLE submitted (
    case_id text, slide text, tissue_type text, roi_number int, name text, mpp double precision,
    source text, is_remote boolean, sha256 text, bytes bigint
) ON COMMIT DROP
"""

_SAME_ROI = "r.slide = s.slide AND r.tissue_type = s.tissue_type AND r.roi_number = s.roi_number"


def add_rois(connection: Connection, cohort_id: int, submitted: Iterable[SubmittedRoi]) -> RoiCounts:
    """Adds the ROIs that a cohort lacks; the same submission again adds nothing.

    An ROI whose image was refused or never came takes the newly submitted one.

    Raises:
        RoiConflict: an ROI is there already with another image or mpp; nothing is added then.
        CaseWithdrawn: one is new, and its case was withdrawn; nothing is added then.
    """
    connection.execute(_STAGE)
    with connection.cursor().copy("COPY submitted FROM STDIN") as copy:
        for roi in submitted:
            key = roi.row.key
            copy.write_row((roi.row.case, key.slide, key.tissue_type, key.roi_number, key.name(), roi.row.mpp,
                            roi.row.path, roi.row.is_remote, roi.sha256, roi.bytes))  # fmt: skip
    _refuse_conflicts(connection, cohort_id)
    _refuse_withdrawn(connection, cohort_id)
    replaced = _replace_images(connection, cohort_id)
    added = connection.execute(
        """
        INSERT INTO rois (cohort_id, case_id, slide, tissue_type, roi_number, name, mpp, source, is_remote,
                          expected_sha256, expected_bytes, state)
        SELECT %s, case_id, slide, tissue_type, roi_number, name, mpp, source, is_remote, sha256, bytes,
               CASE WHEN is_remote THEN 'arriving' ELSE 'awaiting' END
        FROM submitted ON CONFLICT DO NOTHING
        """,
        [cohort_id],
    ).rowcount
    total = connection.execute("SELECT count(*) AS rois FROM submitted").fetchone()
    present = (total["rois"] if total else 0) - added
    _take_stored_images(connection, cohort_id)
    _plan_fetches(connection, cohort_id)
    return RoiCounts(added=added, present=present, replaced=replaced)


def _refuse_conflicts(connection: Connection, cohort_id: int) -> None:
    conflicts = connection.execute(
        f"""
        SELECT r.name, r.mpp, s.mpp AS other_mpp FROM submitted s JOIN rois r ON r.cohort_id = %s AND {_SAME_ROI}
        WHERE r.state IN ('arriving', 'stored') AND (r.mpp <> s.mpp
            OR s.sha256 <> coalesce(r.image_sha256, r.expected_sha256)
            OR (r.state = 'arriving' AND s.is_remote AND r.is_remote AND r.source <> s.source))
        ORDER BY r.id LIMIT 5
        """,  # noqa: S608 — joined from constants of this module
        [cohort_id],
    ).fetchall()
    if conflicts:
        first = conflicts[0]
        why = (
            f"mpp {first['mpp']:g}, now {first['other_mpp']:g}" if first["mpp"] != first["other_mpp"] else "other image"
        )
        names = ", ".join(row["name"] for row in conflicts)
        raise RoiConflict(f"{names} ({why}); a second region of a slide needs another roi_number")


def _refuse_withdrawn(connection: Connection, cohort_id: int) -> None:
    """Refuses what is new of a case, slide or ROI that was withdrawn; what was withdrawn itself is passed over."""
    refused = connection.execute(
        f"""
        WITH w AS (SELECT name FROM withdrawals WHERE coalesce(cohort_id, %(cohort_id)s) = %(cohort_id)s)
        SELECT s.name FROM submitted s
        WHERE (s.case_id IN (SELECT name FROM w) OR s.slide IN (SELECT name FROM w) OR s.name IN (SELECT name FROM w))
          AND NOT EXISTS (SELECT 1 FROM rois r WHERE r.cohort_id = %(cohort_id)s AND {_SAME_ROI})
        ORDER BY s.name LIMIT 5
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id},
    ).fetchall()
    if refused:
        raise CaseWithdrawn(", ".join(row["name"] for row in refused))


def _replace_images(connection: Connection, cohort_id: int) -> int:
    replaced = connection.execute(
        f"""
        UPDATE rois r SET source = s.source, is_remote = s.is_remote, mpp = s.mpp, expected_sha256 = s.sha256,
            expected_bytes = s.bytes, image_sha256 = NULL, error = NULL, error_kind = NULL,
            state = CASE WHEN s.is_remote THEN 'arriving' ELSE 'awaiting' END
        FROM submitted s
        WHERE r.cohort_id = %s AND {_SAME_ROI} AND r.state IN ('awaiting', 'refused')
          AND (r.source, r.mpp, r.expected_sha256) IS DISTINCT FROM (s.source, s.mpp, s.sha256)
        RETURNING r.id
        """,  # noqa: S608 — joined from constants of this module
        [cohort_id],
    ).fetchall()
    ids = [row["id"] for row in replaced]
    unlink_jobs(connection, ids)
    connection.execute(
        """
        UPDATE chores SET state = 'waiting', charged_attempts = 0, suspect = false, not_before = now(),
            published_at = NULL, error = NULL, error_kind = NULL, finished_at = NULL
        WHERE kind = 'ingest' AND roi_id = ANY(%s) AND state IN ('succeeded', 'failed', 'cancelled')
        """,
        [ids],
    )
    return len(ids)


def unlink_jobs(connection: Connection, roi_ids: Sequence[int]) -> None:
    """Takes their jobs from ROIs, and from the counts of their cohorts."""
    connection.execute(
        """
        WITH unlinked AS (
            DELETE FROM cohort_jobs WHERE roi_id = ANY(%(ids)s) RETURNING cohort_id, job_id
        )
        INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
        SELECT u.cohort_id, j.segmenter_id, j.state, -count(*), '-infinity'
        FROM (SELECT DISTINCT cohort_id, job_id FROM unlinked) u JOIN jobs j ON j.id = u.job_id
        WHERE NOT EXISTS (SELECT 1 FROM cohort_jobs cj WHERE cj.cohort_id = u.cohort_id AND cj.job_id = u.job_id
                            AND cj.roi_id <> ALL(%(ids)s))
        GROUP BY u.cohort_id, j.segmenter_id, j.state
        """,
        {"ids": list(roi_ids)},
    )


def _take_stored_images(connection: Connection, cohort_id: int) -> None:
    connection.execute(
        """
        UPDATE rois r SET image_sha256 = i.sha256, state = 'stored', stored_at = clock_timestamp()
        FROM images i
        WHERE r.cohort_id = %s AND r.state = 'awaiting' AND i.sha256 = r.expected_sha256 AND i.refusal IS NULL
        """,
        [cohort_id],
    )


def _plan_fetches(connection: Connection, cohort_id: int) -> None:
    connection.execute(
        """
        INSERT INTO chores (kind, roi_id)
        SELECT 'ingest', id FROM rois WHERE cohort_id = %s AND state = 'arriving' ORDER BY id
        ON CONFLICT (kind, roi_id) DO UPDATE SET state = 'waiting', not_before = now(), published_at = NULL,
            finished_at = NULL, charged_attempts = 0, suspect = false
            WHERE chores.state IN ('succeeded', 'failed', 'cancelled')
        """,
        [cohort_id],
    )
    announce_work(connection)


def list_awaited(connection: Connection, cohort_id: int, *, after: int = 0, limit: int = 500) -> list[Row]:
    """ROIs of a cohort whose upload is awaited: id, name, source, expected digest and bytes, by ascending id."""
    return connection.execute(
        """
        SELECT id, name, source, expected_sha256, expected_bytes, error FROM rois
        WHERE cohort_id = %s AND state = 'awaiting' AND id > %s ORDER BY id LIMIT %s
        """,
        [cohort_id, after, limit],
    ).fetchall()


def mark_uploaded(connection: Connection, cohort_id: int, roi_ids: Sequence[int], *, actor: str) -> int:
    """Says that these ROIs' uploads have arrived, so that imaging workers take them; gives how many were awaited.

    Audited.
    """
    arrived = connection.execute(
        """
        UPDATE rois SET state = 'arriving', error = NULL, error_kind = NULL
        WHERE cohort_id = %s AND id = ANY(%s) AND state = 'awaiting'
        """,
        [cohort_id, list(roi_ids)],
    ).rowcount
    _plan_fetches(connection, cohort_id)
    record_action(connection, actor=actor, action="upload", subject=f"cohort {cohort_id}", details={"rois": arrived})
    return arrived


def list_refused(connection: Connection, cohort_id: int, *, limit: int = 100) -> list[Row]:
    """The first ROIs of a cohort whose image was refused or could not be had: name, source, error."""
    return connection.execute(
        "SELECT name, source, error FROM rois WHERE cohort_id = %s AND state = 'refused' ORDER BY id LIMIT %s",
        [cohort_id, limit],
    ).fetchall()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """An ROI's image: stored under `object_key`, or refused with a sentence; a whole slide's stays in its file."""

    sha256: str
    bytes: int
    object_key: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    format: str | None = None
    refusal_kind: str | None = None
    refusal: str | None = None
    quality: Quality | None = None


def keep_image(connection: Connection, image: ImageRow) -> ImageRow:
    """Stores what is known of an image, and gives what is known now.

    An image that was refused before may be stored now, never the reverse; one that was withdrawn stays so.
    """
    connection.execute(
        """
        INSERT INTO images (sha256, bytes, object_key, width_px, height_px, format, refusal_kind, refusal, quality)
        VALUES (%(sha256)s, %(bytes)s, %(object_key)s, %(width_px)s, %(height_px)s, %(format)s,
                %(refusal_kind)s, %(refusal)s, %(quality)s)
        ON CONFLICT (sha256) DO UPDATE SET object_key = excluded.object_key, width_px = excluded.width_px,
            height_px = excluded.height_px, format = excluded.format, refusal = NULL, refusal_kind = NULL,
            quality = excluded.quality
            WHERE images.refusal IS NOT NULL AND excluded.refusal IS NULL AND images.refusal_kind <> %(withdrawn)s
        """,
        {
            "withdrawn": CaseWithdrawn.__name__,
            "sha256": image.sha256,
            "bytes": image.bytes,
            "object_key": image.object_key,
            "width_px": image.width_px,
            "height_px": image.height_px,
            "format": image.format,
            "refusal_kind": image.refusal_kind,
            "refusal": image.refusal,
            "quality": None if image.quality is None else Jsonb(asdict(image.quality)),
        },
    )
    return find_image(connection, image.sha256) or image


def settle_roi(connection: Connection, roi_id: int, image: ImageRow) -> None:
    """Gives an ROI its image: stored, or refused with the image's sentence."""
    connection.execute(
        """
        UPDATE rois SET image_sha256 = %(sha256)s, stored_at = clock_timestamp(),
            state = CASE WHEN %(refusal)s::text IS NULL THEN 'stored' ELSE 'refused' END,
            error_kind = %(kind)s, error = %(refusal)s
        WHERE id = %(roi_id)s
        """,
        {"sha256": image.sha256, "refusal": image.refusal, "kind": image.refusal_kind, "roi_id": roi_id},
    )


def await_again(connection: Connection, roi_id: int, *, kind: str, sentence: str) -> None:
    """Sets an ROI back to await its upload, saying why: what arrived was not what was announced."""
    connection.execute(
        "UPDATE rois SET state = 'awaiting', error_kind = %s, error = %s WHERE id = %s", [kind, sentence, roi_id]
    )


def find_image(connection: Connection, sha256: str) -> ImageRow | None:
    """What is known of the image with this digest, if anything."""
    row = connection.execute(
        """
        SELECT sha256, bytes, object_key, width_px, height_px, format, refusal_kind, refusal, quality
        FROM images WHERE sha256 = %s
        """,
        [sha256],
    ).fetchone()
    return ImageRow(**{**row, "quality": row["quality"] and Quality(**row["quality"])}) if row else None


def refuse_failed_ingests(connection: Connection) -> int:
    """Refuses the ROIs whose ingest failed for good, with its sentence; gives how many."""
    return connection.execute(
        """
        UPDATE rois r SET state = 'refused', error_kind = c.error_kind, error = c.error
        FROM chores c
        WHERE c.roi_id = r.id AND c.kind = 'ingest' AND c.state = 'failed' AND r.state = 'arriving'
        """
    ).rowcount
