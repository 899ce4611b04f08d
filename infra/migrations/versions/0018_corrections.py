"""Class maps handed out to be corrected, and what their correction took."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = """
-- One class map an ROI, pinned by digest, with the moment from which on its correction counts.
CREATE TABLE preannotations (
    roi_id bigint PRIMARY KEY REFERENCES rois,
    job_id bigint NOT NULL REFERENCES jobs,
    sha256 text NOT NULL,
    handed_by text NOT NULL,
    handed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What came back: by class index its name, pixels before, after, and in both.
CREATE TABLE corrections (
    roi_id bigint PRIMARY KEY REFERENCES preannotations ON DELETE CASCADE,
    truth_sha256 text NOT NULL,
    returned_by text NOT NULL,
    returned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    pixels bigint NOT NULL,
    changed bigint NOT NULL CHECK (changed BETWEEN 0 AND pixels),
    classes jsonb NOT NULL
);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(TABLES)
