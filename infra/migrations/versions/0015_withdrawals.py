"""Cases, slides and ROIs that were withdrawn: they keep their rows, and lose what shows the tissue."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE rois DROP CONSTRAINT rois_state_check;
ALTER TABLE rois ADD CONSTRAINT rois_state_check
    CHECK (state IN ('awaiting', 'arriving', 'stored', 'refused', 'withdrawn'));
ALTER TABLE assignments DROP CONSTRAINT assignments_state_check;
ALTER TABLE assignments ADD CONSTRAINT assignments_state_check
    CHECK (state IN ('pending', 'open', 'done', 'skipped', 'void', 'withdrawn'));

-- The figures of a class map outlive it.
ALTER TABLE class_maps ALTER COLUMN object_key DROP NOT NULL;

-- What has one of these names as case, slide or ROI (of one cohort, or of any) is not taken in again. The reason is in
-- the audit log.
CREATE TABLE withdrawals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    cohort_id bigint REFERENCES cohorts,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (name, cohort_id)
);

-- Objects to be removed at once, and not after a day as those that nobody names: a row goes with its object.
CREATE TABLE removals (
    object text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""


def upgrade() -> None:
    """Makes them."""
    op.execute(CHANGES)
