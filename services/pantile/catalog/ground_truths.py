"""Ground truth of a cohort's ROIs: kept, listed, replaced and removed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.types.json import Jsonb

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.dice import DiceProtocol, Target
from pantile.domain.errors import GroundTruthNotFound
from pantile.domain.ground_truth import NamedRoi, TruthClass, TruthScheme
from pantile.domain.rois import TissueType, file_stem


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagedRoi:
    """An ROI that ground truth may be named after, with the size of its image (None until it is stored)."""

    named: NamedRoi
    width_px: int | None
    height_px: int | None


def list_imaged_rois(connection: Connection, cohort_id: int) -> list[ImagedRoi]:
    """All of a cohort's ROIs but whole slides and those that were withdrawn."""
    rows = connection.execute(
        """
        SELECT r.id, r.name, r.slide, r.tissue_type, r.roi_number, r.source, i.width_px, i.height_px
        FROM rois r LEFT JOIN images i ON i.sha256 = r.image_sha256
        WHERE r.cohort_id = %s AND r.state <> 'withdrawn' AND r.roi_number > 0 ORDER BY r.id
        """,
        [cohort_id],
    )
    return [
        ImagedRoi(
            named=NamedRoi(
                id=row["id"],
                name=row["name"],
                slide=row["slide"],
                tissue_type=TissueType(row["tissue_type"]),
                roi_number=row["roi_number"],
                source=file_stem(row["source"]),
            ),
            width_px=row["width_px"],
            height_px=row["height_px"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """An ROI's ground truth: a PNG in the bucket, what it covers in pixels of the image, what its indices mean."""

    roi_id: int
    file: str
    object_key: str
    sha256: str
    bytes: int
    width_px: int
    height_px: int
    extent_width_px: float
    extent_height_px: float
    scheme: TruthScheme


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTruths:
    """The ROIs, by id, whose ground truth was added, replaced, or stayed; `other` is there and was not replaced."""

    added: tuple[int, ...]
    replaced: tuple[int, ...]
    unchanged: tuple[int, ...]
    other: tuple[int, ...]


def keep_ground_truths(
    connection: Connection, cohort_id: int, truths: Sequence[GroundTruth], *, replace: bool, actor: str
) -> KeptTruths:
    """Stores ground truth; of an ROI that has another (file or scheme) only with `replace`. Audited."""
    ids = [truth.roi_id for truth in truths]
    before = {
        row["roi_id"]: (row["sha256"], row["scheme"])
        for row in connection.execute(
            "SELECT roi_id, sha256, scheme FROM ground_truths WHERE roi_id = ANY(%s) FOR UPDATE", [ids]
        )
    }
    after = {truth.roi_id: (truth.sha256, scheme_document(truth.scheme)) for truth in truths}
    changed = [key for key in ids if key in before and before[key] != after[key]]
    kept = KeptTruths(
        added=tuple(key for key in ids if key not in before),
        replaced=tuple(changed) if replace else (),
        unchanged=tuple(key for key in ids if before.get(key) == after[key]),
        other=() if replace else tuple(changed),
    )
    _write(connection, [truth for truth in truths if truth.roi_id in {*kept.added, *kept.replaced}], actor)
    details = {"added": len(kept.added), "replaced": len(kept.replaced)}
    if kept.added or kept.replaced:
        action, subject = "add ground truth", f"cohort {cohort_id}"
        record_action(connection, actor=actor, action=action, subject=subject, details=details)
    return kept


def _write(connection: Connection, truths: Sequence[GroundTruth], actor: str) -> None:
    rows = [{**asdict(truth), "scheme": scheme_document(truth.scheme)} for truth in truths]
    connection.execute(
        """
        INSERT INTO ground_truths (roi_id, file, object_key, sha256, bytes, width_px, height_px, extent_width_px,
                                   extent_height_px, scheme, added_by)
        SELECT roi_id, file, object_key, sha256, bytes, width_px, height_px, extent_width_px, extent_height_px, scheme,
               %(actor)s
        FROM jsonb_to_recordset(%(rows)s) AS given (
            roi_id bigint, file text, object_key text, sha256 text, bytes bigint, width_px int, height_px int,
            extent_width_px double precision, extent_height_px double precision, scheme jsonb)
        ON CONFLICT (roi_id) DO UPDATE SET file = excluded.file, object_key = excluded.object_key,
            sha256 = excluded.sha256, bytes = excluded.bytes, width_px = excluded.width_px,
            height_px = excluded.height_px, extent_width_px = excluded.extent_width_px,
            extent_height_px = excluded.extent_height_px, scheme = excluded.scheme,
            added_by = excluded.added_by, added_at = excluded.added_at
        """,
        {"rows": Jsonb(rows), "actor": actor},
    )


def remove_ground_truth(connection: Connection, cohort_id: int, roi: str, *, actor: str) -> None:
    """Removes the ground truth of the ROI of that name, and what came of it. Audited; raises `GroundTruthNotFound`."""
    removed = connection.execute(
        """
        DELETE FROM ground_truths g USING rois r
        WHERE r.id = g.roi_id AND r.cohort_id = %s AND r.name = %s RETURNING g.roi_id, g.sha256
        """,
        [cohort_id, roi],
    ).fetchone()
    if removed is None:
        raise GroundTruthNotFound(roi)
    connection.execute(
        "DELETE FROM chores WHERE kind = 'evaluate' AND roi_id = %s AND state <> 'running'", [removed["roi_id"]]
    )
    details = {"sha256": removed["sha256"]}
    record_action(connection, actor=actor, action="remove ground truth", subject=f"roi {roi}", details=details)


def list_ground_truths(connection: Connection, cohort_id: int, *, after: int = 0, limit: int = 200) -> list[Row]:
    """A cohort's ground truth by ascending ROI id, from the one after `after`, and how its evaluation stands."""
    return connection.execute(
        """
        SELECT r.id AS roi_id, r.name AS roi, r.slide, r.case_id, r.roi_number, g.file, g.sha256, g.width_px,
               g.height_px, g.scheme->>'name' AS scheme, g.added_by, g.added_at, c.state AS evaluation,
               CASE WHEN c.state = 'failed' THEN c.error END AS error,
               (SELECT count(DISTINCT e.job_id) FROM evaluations e WHERE e.roi_id = r.id) AS evaluated
        FROM ground_truths g JOIN rois r ON r.id = g.roi_id
        LEFT JOIN chores c ON c.roi_id = r.id AND c.kind = 'evaluate'
        WHERE r.cohort_id = %s AND r.id > %s ORDER BY r.id LIMIT %s
        """,
        [cohort_id, after, limit],
    ).fetchall()


def scheme_document(scheme: TruthScheme) -> dict[str, Any]:
    """A scheme as a plain document; `scheme_from` gives the same scheme back."""
    return {
        "name": scheme.name,
        "is_open": scheme.is_open,
        "classes": [
            {
                "index": each.index,
                "name": each.name,
                "targets": {str(protocol): int(target) for protocol, target in each.targets.items()},
            }
            for each in scheme.classes
        ],
    }


def scheme_from(document: Mapping[str, Any]) -> TruthScheme:
    """The scheme in a plain document."""
    return TruthScheme(
        name=document["name"],
        is_open=document["is_open"],
        classes=tuple(
            TruthClass(
                index=each["index"],
                name=each["name"],
                targets={DiceProtocol(protocol): Target(target) for protocol, target in each["targets"].items()},
            )
            for each in document["classes"]
        ),
    )
