"""What lets the sweeper find the rows of a thousand objects without reading all class maps for each thousand."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the indexes; the other columns that name objects are unique, or of tables that stay small."""
    op.execute("""
        CREATE INDEX class_maps_by_object ON class_maps (object_key);
        CREATE INDEX class_maps_by_confidence ON class_maps (confidence_key) WHERE confidence_key IS NOT NULL;
        CREATE INDEX overlays_by_object ON overlays (object_key);
        CREATE INDEX pyramids_by_object ON pyramids (object_key);
    """)
