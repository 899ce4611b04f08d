"""First tables: segmenters, cohorts, ROIs and their images, jobs with attempts, class maps, overlays, chores."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LEASED = """
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'cancelled')),
    attempt int NOT NULL DEFAULT 0,
    charged_attempts int NOT NULL DEFAULT 0,
    max_attempts int NOT NULL DEFAULT 4 CHECK (max_attempts > 0),
    suspect boolean NOT NULL DEFAULT false,
    lease_token uuid,
    lease_owner text,
    lease_until timestamptz,
    not_before timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    error_kind text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    CHECK ((state = 'running') = (lease_token IS NOT NULL)),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK (state <> 'failed' OR error IS NOT NULL)
"""

# Rows of a work queue change often: room for in-page updates, and vacuum before dead rows slow the claim.
QUEUE_STORAGE = "WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)"

TABLES = f"""
CREATE TABLE segmenters (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    digest text NOT NULL UNIQUE,
    card jsonb NOT NULL,
    checkpoint_sha256 text NOT NULL,
    checkpoint_key text NOT NULL,
    checkpoint_bytes bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, version)
);

CREATE TABLE engine_settings (
    digest text PRIMARY KEY,
    document jsonb NOT NULL
);

CREATE TABLE cohorts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'complete', 'cancelled')),
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);

CREATE TABLE cohort_segmenters (
    cohort_id bigint NOT NULL REFERENCES cohorts,
    segmenter_id int NOT NULL REFERENCES segmenters,
    settings_digest text NOT NULL REFERENCES engine_settings,
    PRIMARY KEY (cohort_id, segmenter_id, settings_digest)
);

CREATE TABLE images (
    sha256 text PRIMARY KEY,
    bytes bigint NOT NULL,
    object_key text UNIQUE,
    width_px int,
    height_px int,
    format text,
    refusal_kind text,
    refusal text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((object_key IS NULL) = (refusal IS NOT NULL))
);

CREATE TABLE rois (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cohort_id bigint NOT NULL REFERENCES cohorts,
    case_id text NOT NULL,
    slide text NOT NULL,
    tissue_type text NOT NULL CHECK (tissue_type IN ('tumor', 'normal')),
    roi_number int NOT NULL DEFAULT 1 CHECK (roi_number > 0),
    name text NOT NULL,
    mpp double precision NOT NULL CHECK (mpp BETWEEN 0.05 AND 5),
    source text NOT NULL,
    is_remote boolean NOT NULL,
    expected_sha256 text,
    expected_bytes bigint,
    image_sha256 text REFERENCES images,
    state text NOT NULL DEFAULT 'awaiting' CHECK (state IN ('awaiting', 'arriving', 'stored', 'refused')),
    error_kind text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    stored_at timestamptz,
    UNIQUE (cohort_id, slide, tissue_type, roi_number),
    CHECK (state <> 'stored' OR image_sha256 IS NOT NULL),
    CHECK (state <> 'refused' OR error IS NOT NULL)
);
CREATE INDEX rois_by_state ON rois (cohort_id, state);

CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    image_sha256 text NOT NULL REFERENCES images,
    roi_mpp double precision NOT NULL,
    segmenter_id int NOT NULL REFERENCES segmenters,
    settings_digest text NOT NULL REFERENCES engine_settings,
    {LEASED},
    UNIQUE (image_sha256, roi_mpp, segmenter_id, settings_digest)
) {QUEUE_STORAGE};
CREATE INDEX jobs_due ON jobs (id) WHERE state = 'waiting';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE state = 'succeeded';

CREATE TABLE cohort_jobs (
    cohort_id bigint NOT NULL REFERENCES cohorts,
    roi_id bigint NOT NULL REFERENCES rois,
    job_id bigint NOT NULL REFERENCES jobs,
    PRIMARY KEY (cohort_id, job_id, roi_id)
);
CREATE INDEX cohort_jobs_by_job ON cohort_jobs (job_id);
CREATE INDEX cohort_jobs_by_roi ON cohort_jobs (roi_id);

CREATE TABLE job_attempts (
    job_id bigint NOT NULL REFERENCES jobs,
    attempt int NOT NULL,
    lease_token uuid NOT NULL,
    worker text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('succeeded', 'failed', 'returned', 'lease_ended', 'cancelled')),
    error text,
    timings jsonb,
    PRIMARY KEY (job_id, attempt)
);

CREATE TABLE class_maps (
    job_id bigint PRIMARY KEY REFERENCES jobs,
    object_key text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    width_px int NOT NULL,
    height_px int NOT NULL,
    map_mpp double precision NOT NULL,
    extent_width_px double precision NOT NULL,
    extent_height_px double precision NOT NULL,
    class_pixels bigint[] NOT NULL,
    provenance jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE overlays (
    job_id bigint PRIMARY KEY REFERENCES jobs,
    object_key text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE chores (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('ingest', 'overlay')),
    roi_id bigint REFERENCES rois,
    job_id bigint REFERENCES jobs,
    {LEASED},
    CHECK (num_nonnulls(roi_id, job_id) = 1),
    UNIQUE (kind, roi_id),
    UNIQUE (kind, job_id)
) {QUEUE_STORAGE};
CREATE INDEX chores_due ON chores (id) WHERE state = 'waiting';
CREATE INDEX chores_leased ON chores (lease_until) WHERE state = 'running';

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    details jsonb NOT NULL DEFAULT '{{}}'
);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(TABLES)
