"""Reports of studies, and the chore that makes one."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CHANGES = """
-- The newest report of a study: one page of HTML, and an archive with it, its tables and its figures.
CREATE TABLE reports (
    study_id bigint PRIMARY KEY REFERENCES studies,
    page_key text NOT NULL,
    page_sha256 text NOT NULL,
    page_bytes bigint NOT NULL,
    archive_key text NOT NULL,
    archive_sha256 text NOT NULL,
    archive_bytes bigint NOT NULL,
    scores int NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX reports_by_page ON reports (page_key);
CREATE INDEX reports_by_archive ON reports (archive_key);

-- A chore is of one ROI, job, slide or study.
ALTER TABLE chores ADD COLUMN study_id bigint REFERENCES studies;
ALTER TABLE chores ADD CONSTRAINT chores_kind_study_id_key UNIQUE (kind, study_id);
DO $$ DECLARE found text; BEGIN
    SELECT conname INTO STRICT found FROM pg_constraint
    WHERE conrelid = 'chores'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%num_nonnulls%';
    EXECUTE format('ALTER TABLE chores DROP CONSTRAINT %I', found);
END $$;
ALTER TABLE chores ADD CONSTRAINT chores_subject_check
    CHECK (num_nonnulls(roi_id, job_id, slide_id, study_id) = 1);
ALTER TABLE chores DROP CONSTRAINT chores_kind_check;
ALTER TABLE chores ADD CONSTRAINT chores_kind_check
    CHECK (kind IN ('ingest', 'overlay', 'compare', 'pyramid', 'evaluate', 'inspect', 'slide-pyramid', 'report'));
"""


def upgrade() -> None:
    """Makes them."""
    op.execute(CHANGES)
