"""Scores and Dice for the small study of `tests/study_fixture.py`, written straight into the catalog."""

from pantile.catalog.database import Database
from tests.study_fixture import SmallStudy


def score_study(database: Database, study: SmallStudy, *raters: str) -> None:
    """Has raters complete all their cases; the second of two strays by up to two points."""
    with database.transaction() as connection:
        for number, rater in enumerate(raters):
            connection.execute(
                """
                INSERT INTO scores (assignment_id, output_id, value, version, is_complete)
                SELECT a.id, o.id, least(10, (o.roi_id * 3 + o.number * 2) %% 9 + %(number)s * (o.id %% 3)), 1, true
                FROM assignments a JOIN outputs o ON o.study_id = a.study_id AND o.roi_id = a.roi_id
                WHERE a.account_id = %(account_id)s AND o.job_id IS NOT NULL
                """,
                {"account_id": study.accounts[rater], "number": number},
            )
            connection.execute(
                "UPDATE assignments SET state = 'done', completed_at = now() WHERE account_id = %s",
                [study.accounts[rater]],
            )


def evaluate_study(database: Database) -> None:
    """Gives every class map Dice under both protocols, another one for each ROI, segmenter and protocol."""
    with database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO ground_truths (roi_id, file, object_key, sha256, bytes, width_px, height_px, extent_width_px,
                                       extent_height_px, scheme, added_by)
            SELECT id, 'x', 'x', 'x', 1, 1, 1, 1, 1, '{}', 'test' FROM rois
            """
        )
        connection.execute(
            """
            INSERT INTO evaluations (roi_id, job_id, protocol, source, overall, classes, confusion, known_pixels,
                                     pixel_mm2, surface_tolerance_um, scheme, truth_remap, predicted_remap,
                                     remap_origin)
            SELECT cj.roi_id, cj.job_id, protocol, '', (cj.roi_id * 7 + cj.job_id * 13 + length(protocol)) % 97 / 97.0,
                   figures, '[[1, 0, 0], [1, 1, 0], [0, 0, 1]]', 4, 1e-6, 10, 'protocol', '{}', '{}', 'stated'
            FROM cohort_jobs cj CROSS JOIN unnest(ARRAY['article', 'published-code']) AS protocol
            CROSS JOIN (SELECT jsonb_agg(jsonb_build_object('target', target, 'dice', 0.5, 'iou', 0.3,
                'truth_pixels', 2, 'predicted_pixels', 1, 'shared_pixels', 1, 'hausdorff_95_um', NULL,
                'surface_dice', 0.1)) AS figures FROM unnest(ARRAY['tumor', 'tumor_stroma']) AS target) made
            """
        )
