"""Whole slides, out of which ROIs are cut, and what is measured of ROIs' images."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE slides (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cohort_id bigint NOT NULL REFERENCES cohorts,
    name text NOT NULL,
    case_id text NOT NULL,
    source text NOT NULL,
    given_mpp double precision CHECK (given_mpp BETWEEN 0.05 AND 5),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ready', 'refused', 'withdrawn')),
    mpp double precision CHECK (mpp BETWEEN 0.05 AND 5),
    width_px int,
    height_px int,
    levels int,
    vendor text,
    magnification double precision,
    scanner text,
    overview_key text,
    overview_sha256 text,
    guesses jsonb NOT NULL DEFAULT '[]',
    tissue_fraction double precision,
    error_kind text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (cohort_id, name),
    CHECK (state <> 'ready' OR (mpp IS NOT NULL AND width_px IS NOT NULL AND overview_key IS NOT NULL)),
    CHECK (state <> 'refused' OR error IS NOT NULL)
);
CREATE INDEX slides_by_object ON slides (overview_key);

ALTER TABLE images ADD COLUMN quality jsonb;

ALTER TABLE chores ADD COLUMN slide_id bigint REFERENCES slides;
ALTER TABLE chores ADD CONSTRAINT chores_kind_slide_id_key UNIQUE (kind, slide_id);
ALTER TABLE chores DROP CONSTRAINT chores_check3;
ALTER TABLE chores ADD CHECK (num_nonnulls(roi_id, job_id, slide_id) = 1);
ALTER TABLE chores DROP CONSTRAINT chores_kind_check;
ALTER TABLE chores ADD CONSTRAINT chores_kind_check
    CHECK (kind IN ('ingest', 'overlay', 'compare', 'pyramid', 'evaluate', 'inspect'));
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(TABLES)
