"""ROIs are found by their image, for whoever looks at its picture."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the index."""
    op.execute("CREATE INDEX rois_by_image ON rois (image_sha256)")
