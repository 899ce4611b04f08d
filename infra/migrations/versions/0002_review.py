"""Confidence maps beside class maps, how far segmenters disagree on an ROI, and the chore that compares them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE class_maps
    ADD COLUMN confidence_key text,
    ADD COLUMN confidence_sha256 text,
    ADD COLUMN confidence_bytes bigint,
    ADD COLUMN mean_confidence double precision CHECK (mean_confidence BETWEEN 0 AND 1),
    ADD CHECK (num_nonnulls(confidence_key, confidence_sha256, confidence_bytes, mean_confidence) IN (0, 4));

CREATE TABLE disagreements (
    roi_id bigint PRIMARY KEY REFERENCES rois,
    disagreement double precision NOT NULL CHECK (disagreement BETWEEN 0 AND 1),
    sources text[] NOT NULL,
    compared_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE chores DROP CONSTRAINT chores_kind_check;
ALTER TABLE chores ADD CONSTRAINT chores_kind_check CHECK (kind IN ('ingest', 'overlay', 'compare'));
"""


def upgrade() -> None:
    """Makes them."""
    op.execute(CHANGES)
