"""The readers' review of a cohort: its ROIs with how sure segmenters are and how far they differ, and who compares."""

from collections.abc import Sequence
from dataclasses import dataclass

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row, announce_work
from pantile.domain.class_maps import ClassScheme
from pantile.domain.review import Comparison, ReviewOrder
from pantile.domain.segmenters import card_from

MIN_COMPARED = 2
"""Class maps that a comparison needs."""

# Of each segmenter its newest class map of an ROI. A source names what a comparison is made from: the class map's
# digest and that of its classes, whose groups a card may bring up to date. OFFSET 0 has the latter computed once a
# segmenter, not once a class map, which halves the time of a cohort of 54,560.
_NEWEST = """
    SELECT DISTINCT ON (cj.roi_id, s.name) cj.roi_id, s.name AS segmenter, s.card, m.object_key, m.sha256, m.map_mpp,
           m.extent_width_px, m.extent_height_px, m.mean_confidence, m.sha256 || ' ' || s.classes AS source
    FROM cohort_jobs cj
    JOIN jobs j ON j.id = cj.job_id
    JOIN (SELECT id, name, card, md5(card->>'classes') AS classes FROM segmenters OFFSET 0) s ON s.id = j.segmenter_id
    JOIN class_maps m ON m.job_id = j.id
    WHERE {which}
    ORDER BY cj.roi_id, s.name, j.id DESC
"""

_REVIEWED = f"""
    WITH newest AS (
        SELECT roi_id, array_agg(segmenter ORDER BY segmenter) AS segmenters,
               array_agg(source ORDER BY segmenter) AS sources,
               avg(mean_confidence ORDER BY segmenter) AS mean_confidence
        FROM ({_NEWEST.format(which="cj.cohort_id = %(cohort_id)s")}) own GROUP BY roi_id
    ), under_way AS (
        SELECT DISTINCT cj.roi_id FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id
        WHERE cj.cohort_id = %(cohort_id)s AND j.state IN ('waiting', 'running')
    ), reviewed AS (
        SELECT r.id, r.name, r.slide, r.case_id, r.tissue_type, r.roi_number,
               coalesce(n.segmenters, '{{}}') AS segmenters, n.mean_confidence, d.disagreement,
               CASE WHEN d.roi_id IS NOT NULL THEN '{Comparison.KNOWN}'
                    WHEN c.state IN ('waiting', 'running') THEN '{Comparison.COMPARING}'
                    WHEN r.state IN ('awaiting', 'arriving') OR u.roi_id IS NOT NULL THEN '{Comparison.SEGMENTING}'
                    WHEN coalesce(cardinality(n.sources), 0) < {MIN_COMPARED} THEN '{Comparison.TOO_FEW}'
                    WHEN c.state = 'failed' THEN '{Comparison.FAILED}'
                    ELSE '{Comparison.NOT_ASKED}' END AS comparison,
               CASE WHEN c.state = 'failed' THEN c.error END AS error
        FROM rois r
        LEFT JOIN newest n ON n.roi_id = r.id
        LEFT JOIN under_way u ON u.roi_id = r.id
        LEFT JOIN disagreements d ON d.roi_id = r.id AND d.sources = n.sources
        LEFT JOIN chores c ON c.roi_id = r.id AND c.kind = 'compare'
        WHERE r.cohort_id = %(cohort_id)s AND r.state <> 'withdrawn' AND r.roi_number > 0
    )
"""  # noqa: S608 — joined from constants

# Ascending, what is not known yet last; with the ROI's id, where to go on.
_RANKS = {
    ReviewOrder.DISAGREEMENT: "coalesce(1 - disagreement, 2)",
    ReviewOrder.CONFIDENCE: "coalesce(mean_confidence, 2)",
}

START = (-1.0, 0)
"""Before the first of all ROIs."""


def list_reviewed(
    connection: Connection,
    cohort_id: int,
    order: ReviewOrder,
    *,
    after: tuple[float, int] = START,
    limit: int | None = None,
) -> list[Row]:
    """A cohort's ROIs, those to be reviewed first at the top, from the one after (rank, id) `after`."""
    return connection.execute(
        f"""
        {_REVIEWED}
        SELECT * FROM (SELECT *, {_RANKS[order]} AS rank FROM reviewed) ranked
        WHERE (rank, id) > (%(rank)s, %(roi_id)s) ORDER BY rank, id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id, "rank": after[0], "roi_id": after[1], "limit": limit},
    ).fetchall()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCounts:
    """A cohort's ROIs by where their comparison stands, and how many have a mean confidence."""

    comparisons: dict[Comparison, int]
    rois_with_confidence: int


def count_reviewed(connection: Connection, cohort_id: int) -> ReviewCounts:
    """How many of a cohort's ROIs stand where."""
    rows = connection.execute(
        f"""
        {_REVIEWED} SELECT comparison, count(*) AS rois, count(mean_confidence) AS confident FROM reviewed
        GROUP BY comparison
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id},
    ).fetchall()
    return ReviewCounts(
        comparisons={Comparison(row["comparison"]): row["rois"] for row in rows},
        rois_with_confidence=sum(row["confident"] for row in rows),
    )


def ask_comparisons(connection: Connection, cohort_id: int, *, actor: str) -> int:
    """Has the class maps of each ROI compared that has all of them and no comparison of just those; gives how many.

    Comparisons that failed are tried once more. Audited.
    """
    asked = connection.execute(
        f"""
        INSERT INTO chores (kind, roi_id)
        {_REVIEWED} SELECT 'compare', id FROM reviewed
        WHERE comparison IN ('{Comparison.NOT_ASKED}', '{Comparison.FAILED}') ORDER BY id
        ON CONFLICT (kind, roi_id) DO UPDATE SET state = 'waiting', charged_attempts = 0, suspect = false,
            not_before = now(), published_at = NULL, finished_at = NULL, error_kind = NULL, error = NULL
            WHERE chores.state IN ('succeeded', 'failed', 'cancelled')
        """,  # noqa: S608 — joined from constants of this module
        {"cohort_id": cohort_id},
    ).rowcount
    details = {"comparisons": asked}
    record_action(connection, actor=actor, action="ask comparisons", subject=f"cohort {cohort_id}", details=details)
    announce_work(connection)
    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMap:
    """A class map to be compared, and what it covers; `source` names it together with its classes."""

    object_key: str
    sha256: str
    map_mpp: float
    extent_width_px: float
    extent_height_px: float
    scheme: ClassScheme
    source: str


def read_compared(connection: Connection, chore_id: int) -> tuple[int, list[ComparedMap]]:
    """The subject of a comparison: the ROI's id, and of each segmenter, by name, its newest class map."""
    roi = connection.execute("SELECT roi_id FROM chores WHERE id = %s", [chore_id]).fetchone()
    assert roi is not None  # noqa: S101 — whoever holds a chore's lease has its row
    rows = connection.execute(_NEWEST.format(which="cj.roi_id = %(roi_id)s"), roi)
    return roi["roi_id"], [
        ComparedMap(
            object_key=row["object_key"],
            sha256=row["sha256"],
            map_mpp=row["map_mpp"],
            extent_width_px=row["extent_width_px"],
            extent_height_px=row["extent_height_px"],
            scheme=card_from(row["card"]).scheme,
            source=row["source"],
        )
        for row in rows
    ]


def keep_disagreement(connection: Connection, roi_id: int, disagreement: float, *, sources: Sequence[str]) -> None:
    """Stores how far the segmenters of an ROI disagree, and what was compared."""
    connection.execute(
        """
        INSERT INTO disagreements (roi_id, disagreement, sources) VALUES (%(roi_id)s, %(disagreement)s, %(sources)s)
        ON CONFLICT (roi_id) DO UPDATE SET disagreement = excluded.disagreement, sources = excluded.sources,
            compared_at = excluded.compared_at
        """,
        {"roi_id": roi_id, "disagreement": disagreement, "sources": list(sources)},
    )
