"""What pages of failures and workers are about: jobs that failed for two causes, and three workers."""

from pantile.catalog import workers
from pantile.catalog.database import Database
from pantile.catalog.workers import WorkerFacts
from pantile.domain.workers import WorkerKind

BROKEN = "The segmenter cannot be run: lung 1: the network gives 5 classes, its card names 13"
MISSING = "The object is not in the bucket: rois/4f5e.jpg"

_WORKERS = (
    ("segment-71@gpu-node-1", WorkerKind.SEGMENT, "NVIDIA H100 80GB HBM3"),
    ("segment-72@gpu-node-2", WorkerKind.SEGMENT, "NVIDIA H100 80GB HBM3"),
    ("imaging-12@cpu-node-1", WorkerKind.IMAGING, None),
)


def make_trouble(database: Database) -> None:
    """Fails three jobs of lung and one of colon in TCGA-SKCM; one worker holds a job, another is silent."""
    with database.transaction() as connection:
        for segmenter, kind, error, jobs in (
            ("lung", "SegmenterBroken", BROKEN, 3),
            ("colon", "ObjectMissing", MISSING, 1),
        ):
            connection.execute(
                """
                UPDATE jobs SET state = 'failed', charged_attempts = 3, error_kind = %s, error = %s, finished_at = now()
                WHERE id IN (
                    SELECT j.id FROM jobs j JOIN segmenters s ON s.id = j.segmenter_id
                    JOIN cohort_jobs cj ON cj.job_id = j.id JOIN cohorts c ON c.id = cj.cohort_id
                    WHERE s.name = %s AND c.name = 'TCGA-SKCM' ORDER BY j.id LIMIT %s)
                """,
                [kind, error, segmenter, jobs],
            )
        for name, worker_kind, device in _WORKERS:
            facts = WorkerFacts(
                name=name,
                kind=worker_kind,
                host=name.partition("@")[2],
                pid=1,
                queues=[worker_kind],
                threads=2,
                version="1.0",
            )
            workers.tell_worker(connection, facts, device=device, tasks=0, is_consuming=True)
        connection.execute(
            """
            UPDATE jobs SET state = 'running', lease_owner = %s, lease_token = gen_random_uuid(),
                lease_until = now() + interval '1 hour', started_at = now()
            WHERE state = 'waiting'
            """,
            [_WORKERS[0][0]],
        )
        connection.execute("UPDATE workers SET seen_at = now() - interval '5 min' WHERE name = %s", [_WORKERS[1][0]])
