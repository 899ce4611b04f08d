"""Whole slides as ROIs: numbered 0, with an image that stays in the slide's file."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE rois DROP CONSTRAINT rois_roi_number_check;
ALTER TABLE rois ADD CONSTRAINT rois_roi_number_check CHECK (roi_number >= 0);

ALTER TABLE images DROP CONSTRAINT images_check;
ALTER TABLE images ADD CONSTRAINT images_check
    CHECK ((object_key IS NULL) = (refusal IS NOT NULL OR coalesce(format = 'slide', false)));
"""


def upgrade() -> None:
    """Allows them."""
    op.execute(CHANGES)
