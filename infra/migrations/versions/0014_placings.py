"""Rectangles placed on slides, slides' pyramids, pictures of their tissue, and the chore that makes a pyramid."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CHANGES = """
-- The rectangles that people have placed on a slide, whole each time; cut_version is the version that was cut out last.
CREATE TABLE placings (
    slide_id bigint PRIMARY KEY REFERENCES slides,
    version int NOT NULL CHECK (version > 0),
    rectangles jsonb NOT NULL,
    cut_version int CHECK (cut_version <= version),
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Sizes are those of the pyramid's finest level, each pixel of which is downsample pixels of the slide wide and high.
CREATE TABLE slide_pyramids (
    slide_id bigint PRIMARY KEY REFERENCES slides,
    object_key text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    tile_px int NOT NULL,
    overlap_px int NOT NULL,
    width_px int NOT NULL,
    height_px int NOT NULL,
    levels int NOT NULL,
    downsample int NOT NULL CHECK (downsample > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX slide_pyramids_by_object ON slide_pyramids (object_key);

ALTER TABLE slides ADD COLUMN tissue_key text, ADD COLUMN tissue_sha256 text;
CREATE INDEX slides_by_tissue ON slides (tissue_key);

ALTER TABLE chores DROP CONSTRAINT chores_kind_check;
ALTER TABLE chores ADD CONSTRAINT chores_kind_check
    CHECK (kind IN ('ingest', 'overlay', 'compare', 'pyramid', 'evaluate', 'inspect', 'slide-pyramid'));

-- Slides that were looked into before have no picture of their tissue yet; they stay ready meanwhile.
UPDATE chores SET state = 'waiting', charged_attempts = 0, suspect = false, not_before = now(), published_at = NULL,
    finished_at = NULL
    WHERE kind = 'inspect' AND state = 'succeeded';
"""


def upgrade() -> None:
    """Makes them."""
    op.execute(CHANGES)
