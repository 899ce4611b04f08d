"""What keeps lists, counts and dispatch quick at the study's size: indexes, and jobs counted as they change."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


# Rows are only added, and refer to none, so that workers that finish at once do not wait for each other. The
# coordinator folds them.
COUNTS = """
CREATE TABLE job_counts (
    cohort_id bigint NOT NULL,
    segmenter_id int NOT NULL,
    state text NOT NULL,
    jobs bigint NOT NULL,
    at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX job_counts_by_cohort ON job_counts (cohort_id);

INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
SELECT held.cohort_id, j.segmenter_id, j.state, count(*), '-infinity'
FROM (SELECT DISTINCT cohort_id, job_id FROM cohort_jobs) held JOIN jobs j ON j.id = held.job_id
GROUP BY held.cohort_id, j.segmenter_id, j.state;

CREATE FUNCTION count_changed_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
    SELECT held.cohort_id, NEW.segmenter_id, changed.state, changed.jobs, now()
    FROM (SELECT DISTINCT cohort_id FROM cohort_jobs WHERE job_id = NEW.id) held,
         (VALUES (OLD.state, -1), (NEW.state, 1)) changed (state, jobs);
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_are_counted AFTER UPDATE OF state ON jobs
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION count_changed_job();
"""

INDEXES = """
CREATE INDEX cohort_jobs_with_roi ON cohort_jobs (job_id, roi_id);
DROP INDEX cohort_jobs_by_job;
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_unsent ON jobs (id) WHERE state = 'waiting' AND published_at IS NULL;
DROP INDEX jobs_due;
CREATE INDEX rois_by_name ON rois (name);
"""


def upgrade() -> None:
    """Makes it; two of the old indexes are part of new ones that serve more."""
    op.execute(INDEXES)
    op.execute(COUNTS)
