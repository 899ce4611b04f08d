"""What the study's own CSV says of an ROI whose scores were imported, word for word."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes room for it, and for the place of the ROI in the file."""
    op.execute("""
        ALTER TABLE study_rois
            ADD COLUMN file_columns jsonb,
            ADD COLUMN file_place int,
            ADD CHECK ((file_columns IS NULL) = (file_place IS NULL))
    """)
