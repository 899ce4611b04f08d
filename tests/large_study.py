"""The small study at the size of the article's: 10,912 ROIs, all of them R1's, half of them scored.

Rows only: nothing of it is in the bucket.
"""

from pantile.catalog.database import Database
from tests.study_fixture import ROIS, SmallStudy

LARGE = 10_912
"""ROIs of the article's study."""

# Copies of the fixture's ROIs one after another, with an image, five jobs, class maps and outputs each.
_ROIS = """
    CREATE TEMP TABLE made ON COMMIT DROP AS
    SELECT number, encode(sha256(number::text::bytea), 'hex') AS sha256, base.id AS base_id, base.cohort_id,
           base.tissue_type, base.mpp
    FROM generate_series(1, %(copies)s) number
    JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM rois) base
        ON base.place = number %% (SELECT count(*) FROM rois);
"""

_COPIES = """
    INSERT INTO images (sha256, bytes, object_key, width_px, height_px, format)
    SELECT sha256, 1, 'rois/' || sha256, 12500, 10000, 'jpeg' FROM made;

    INSERT INTO rois (cohort_id, case_id, slide, tissue_type, name, mpp, source, is_remote, image_sha256, state)
    SELECT cohort_id, 'copy-' || number, 'copy-' || number, tissue_type, 'copy-' || number || '_' || tissue_type, mpp,
           'copy.jpg', false, sha256, 'stored' FROM made;

    INSERT INTO jobs (image_sha256, roi_mpp, segmenter_id, settings_digest, state, finished_at)
    SELECT m.sha256, m.mpp, s.id, e.digest, 'succeeded', now()
    FROM made m CROSS JOIN segmenters s CROSS JOIN (SELECT digest FROM engine_settings LIMIT 1) e;

    INSERT INTO cohort_jobs (cohort_id, roi_id, job_id)
    SELECT r.cohort_id, r.id, j.id FROM made m JOIN rois r ON r.image_sha256 = m.sha256
    JOIN jobs j ON j.image_sha256 = m.sha256;

    INSERT INTO class_maps (job_id, object_key, sha256, bytes, width_px, height_px, map_mpp, extent_width_px,
                            extent_height_px, class_pixels, provenance)
    SELECT j.id, 'class-maps/' || j.id, encode(sha256(j.id::text::bytea), 'hex'), 1, 3125, 2500, 1.0, 12500, 10000,
           '{7812500}', '{}'
    FROM made m JOIN jobs j ON j.image_sha256 = m.sha256;

    INSERT INTO pyramids (image_sha256, object_key, sha256, bytes, tile_px, overlap_px, width_px, height_px, levels)
    SELECT sha256, 'pyramids/' || sha256, sha256, 1, 510, 1, 12500, 10000, 15 FROM made;
"""

_STUDY = """
    INSERT INTO study_rois (study_id, roi_id)
    SELECT {study_id}, r.id FROM made m JOIN rois r ON r.image_sha256 = m.sha256;

    INSERT INTO outputs (study_id, roi_id, number, job_id, sha256)
    SELECT {study_id}, r.id, ss.number, j.id, cm.sha256
    FROM made m JOIN rois r ON r.image_sha256 = m.sha256 JOIN jobs j ON j.image_sha256 = m.sha256
    JOIN class_maps cm ON cm.job_id = j.id
    JOIN study_segmenters ss ON ss.study_id = {study_id} AND ss.segmenter_id = j.segmenter_id;

    INSERT INTO assignments (study_id, account_id, roi_id, position, pane_order, state, opened_at, completed_at)
    SELECT {study_id}, {account_id}, r.id, {rois} + m.number, ARRAY[3, 1, 5, 2, 4],
           CASE WHEN m.number % 2 = 0 THEN 'done' ELSE 'pending' END,
           CASE WHEN m.number % 2 = 0 THEN now() END, CASE WHEN m.number % 2 = 0 THEN now() END
    FROM made m JOIN rois r ON r.image_sha256 = m.sha256;

    INSERT INTO scores (assignment_id, output_id, value, is_complete, version)
    SELECT a.id, o.id, (a.id + o.number) % 11, true, 1 FROM assignments a
    JOIN outputs o ON o.study_id = a.study_id AND o.roi_id = a.roi_id WHERE a.state = 'done';

    INSERT INTO flags (assignment_id, kind) SELECT id, 'difficult' FROM assignments WHERE position % 50 = 0;
"""


def enlarge(database: Database, study: SmallStudy, *, rois: int = LARGE) -> None:
    """Makes the small study one of that many ROIs."""
    account_id = study.accounts["r1"]
    with database.transaction() as connection:
        connection.execute(_ROIS, {"copies": rois - len(ROIS)})
        for statement in (_COPIES, _STUDY.format(study_id=study.study_id, account_id=account_id, rois=len(ROIS))):
            connection.execute(statement)
        connection.execute("ANALYZE")
