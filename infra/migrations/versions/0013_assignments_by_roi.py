"""What finds the readings of an ROI: each one that is completed looks for the others."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the index."""
    op.execute("CREATE INDEX assignments_by_roi ON assignments (roi_id)")
