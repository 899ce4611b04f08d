"""Ground truth of ROIs, what segmenters' class maps are worth against it, and the chore that says so."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHANGES = """
-- One class map by experts an ROI. The scheme says what its indices become under each protocol of Dice; the extent is
-- the width and height that it covers, in pixels of the ROI's image.
CREATE TABLE ground_truths (
    roi_id bigint PRIMARY KEY REFERENCES rois,
    file text NOT NULL,
    object_key text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    width_px int NOT NULL CHECK (width_px > 0),
    height_px int NOT NULL CHECK (height_px > 0),
    extent_width_px double precision NOT NULL,
    extent_height_px double precision NOT NULL,
    scheme jsonb NOT NULL,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One class map against its ROI's ground truth under one protocol, and what it was made from.
CREATE TABLE evaluations (
    roi_id bigint NOT NULL REFERENCES ground_truths ON DELETE CASCADE,
    job_id bigint NOT NULL REFERENCES jobs,
    protocol text NOT NULL CHECK (protocol IN ('article', 'published-code')),
    source text NOT NULL,
    overall double precision CHECK (overall BETWEEN 0 AND 1),
    classes jsonb NOT NULL,
    confusion jsonb NOT NULL,
    known_pixels bigint NOT NULL,
    pixel_mm2 double precision NOT NULL,
    surface_tolerance_um double precision NOT NULL,
    scheme text NOT NULL,
    truth_remap jsonb NOT NULL,
    predicted_remap jsonb NOT NULL,
    remap_origin text NOT NULL CHECK (remap_origin IN ('stated', 'inferred', 'groups')),
    evaluated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (roi_id, job_id, protocol)
);
CREATE INDEX ground_truths_by_key ON ground_truths (object_key);
CREATE INDEX evaluations_by_job ON evaluations (job_id);

ALTER TABLE chores DROP CONSTRAINT chores_kind_check;
ALTER TABLE chores ADD CONSTRAINT chores_kind_check
    CHECK (kind IN ('ingest', 'overlay', 'compare', 'pyramid', 'evaluate'));
"""


def upgrade() -> None:
    """Makes them."""
    op.execute(CHANGES)
