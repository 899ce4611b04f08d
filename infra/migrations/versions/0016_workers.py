"""Workers as they tell of themselves, and which of them are to take no new work."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE workers (
    name text PRIMARY KEY,
    kind text NOT NULL,
    host text NOT NULL,
    pid int NOT NULL,
    queues text[] NOT NULL,
    threads int NOT NULL CHECK (threads > 0),
    version text NOT NULL,
    device text,
    tasks int NOT NULL DEFAULT 0,
    is_consuming boolean NOT NULL DEFAULT true,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    drain_asked_at timestamptz
);
"""


def upgrade() -> None:
    """Makes the table."""
    op.execute(CHANGES)
