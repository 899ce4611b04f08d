"""A cohort of which too many jobs fail is paused, with the reason, until somebody resumes it."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Gives cohorts the state `paused`, its reason, and the time from which on their failures are counted."""
    op.execute("""
        ALTER TABLE cohorts
            DROP CONSTRAINT cohorts_state_check,
            ADD CONSTRAINT cohorts_state_check CHECK (state IN ('open', 'paused', 'complete', 'cancelled')),
            ADD COLUMN pause_reason text,
            ADD COLUMN failures_count_from timestamptz NOT NULL DEFAULT '-infinity',
            ADD CONSTRAINT cohorts_pause_has_reason CHECK ((state = 'paused') = (pause_reason IS NOT NULL))
    """)
