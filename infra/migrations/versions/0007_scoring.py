"""Scoring: studies, what is scored in them, who scores what in which order, scores, and the events they follow from."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STUDIES = """
CREATE TABLE studies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'published', 'locked', 'unblinded')),
    presentation text NOT NULL DEFAULT 'grid' CHECK (presentation IN ('grid', 'single')),
    is_blinded boolean NOT NULL DEFAULT true,
    seed bigint NOT NULL,
    anchors jsonb NOT NULL DEFAULT '{}',
    tissue_types text[] NOT NULL DEFAULT '{tumor,normal}'
        CHECK (cardinality(tissue_types) > 0 AND tissue_types <@ ARRAY['tumor', 'normal']),
    adjudication_delta smallint NOT NULL DEFAULT 3 CHECK (adjudication_delta BETWEEN 1 AND 10),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    frozen_at timestamptz
);

-- The ROIs of these cohorts are the study's, those that come later as well.
CREATE TABLE study_cohorts (
    study_id bigint NOT NULL REFERENCES studies,
    cohort_id bigint NOT NULL REFERENCES cohorts,
    PRIMARY KEY (study_id, cohort_id)
);

CREATE TABLE study_members (
    study_id bigint NOT NULL REFERENCES studies,
    account_id bigint NOT NULL REFERENCES accounts,
    role text NOT NULL CHECK (role IN ('admin', 'adjudicator', 'rater', 'viewer')),
    PRIMARY KEY (study_id, account_id)
);

CREATE TABLE study_segmenters (
    study_id bigint NOT NULL REFERENCES studies,
    number smallint NOT NULL CHECK (number > 0),
    segmenter_id int NOT NULL REFERENCES segmenters,
    PRIMARY KEY (study_id, number),
    UNIQUE (study_id, segmenter_id)
);

CREATE TABLE study_questions (
    study_id bigint NOT NULL REFERENCES studies,
    number smallint NOT NULL CHECK (number > 0),
    kind text NOT NULL CHECK (kind IN ('score', 'choice', 'choices', 'text')),
    prompt text NOT NULL,
    options jsonb NOT NULL DEFAULT '[]',
    is_required boolean NOT NULL DEFAULT true,
    tissue_type text CHECK (tissue_type IN ('tumor', 'normal')),
    PRIMARY KEY (study_id, number)
);

-- The key is what a blinded rater sees of an ROI's image.
CREATE TABLE study_rois (
    study_id bigint NOT NULL REFERENCES studies,
    roi_id bigint NOT NULL REFERENCES rois,
    key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    is_calibration boolean NOT NULL DEFAULT false,
    PRIMARY KEY (study_id, roi_id)
);

-- One segmenter's class map of one ROI, pinned by digest; without a job it is missing and cannot be scored.
CREATE TABLE outputs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    study_id bigint NOT NULL,
    roi_id bigint NOT NULL,
    number smallint NOT NULL,
    job_id bigint REFERENCES jobs,
    sha256 text,
    UNIQUE (study_id, roi_id, number),
    FOREIGN KEY (study_id, roi_id) REFERENCES study_rois,
    FOREIGN KEY (study_id, number) REFERENCES study_segmenters,
    CHECK ((job_id IS NULL) = (sha256 IS NULL))
);
CREATE INDEX outputs_by_roi ON outputs (roi_id);
"""

READINGS = """
CREATE TABLE assignments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    study_id bigint NOT NULL,
    account_id bigint NOT NULL REFERENCES accounts,
    roi_id bigint NOT NULL,
    round smallint NOT NULL DEFAULT 1 CHECK (round > 0),
    purpose text NOT NULL DEFAULT 'primary' CHECK (purpose IN ('primary', 'second', 'repeat', 'calibration')),
    position int NOT NULL CHECK (position > 0),
    pane_order smallint[] NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'open', 'done', 'skipped', 'void')),
    comment text NOT NULL DEFAULT '',
    opened_at timestamptz,
    visited_at timestamptz,
    completed_at timestamptz,
    active_ms bigint NOT NULL DEFAULT 0,
    idle_ms bigint NOT NULL DEFAULT 0,
    events int NOT NULL DEFAULT 0,
    last_hash text NOT NULL DEFAULT '',
    UNIQUE (study_id, account_id, roi_id, round),
    UNIQUE (study_id, account_id, position),
    FOREIGN KEY (study_id, roi_id) REFERENCES study_rois
);

CREATE TABLE scores (
    assignment_id bigint NOT NULL REFERENCES assignments,
    output_id bigint NOT NULL REFERENCES outputs,
    value smallint CHECK (value BETWEEN 0 AND 10),
    answers jsonb NOT NULL DEFAULT '{}',
    comment text NOT NULL DEFAULT '',
    -- Whether it answers all that the study has to know of the output.
    is_complete boolean NOT NULL,
    version int NOT NULL CHECK (version > 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (assignment_id, output_id)
);
CREATE INDEX scores_by_output ON scores (output_id);

-- The truth: scores follow from these, each hash from the one before it in its assignment.
CREATE TABLE score_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    assignment_id bigint NOT NULL REFERENCES assignments,
    number int NOT NULL,
    key uuid NOT NULL UNIQUE,
    output_id bigint REFERENCES outputs,
    action text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    client_at timestamptz,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    pane smallint,
    view jsonb,
    reason text,
    group_key uuid,
    previous_hash text NOT NULL,
    hash text NOT NULL,
    UNIQUE (assignment_id, number)
);

CREATE FUNCTION refuse_to_change_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events of scoring can only be added';
END $$;
CREATE TRIGGER score_events_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON score_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_events();

CREATE TABLE flags (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    assignment_id bigint NOT NULL REFERENCES assignments,
    output_id bigint REFERENCES outputs,
    kind text NOT NULL,
    note text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolved_by text,
    UNIQUE NULLS NOT DISTINCT (assignment_id, output_id, kind)
);

CREATE TABLE viewings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    assignment_id bigint NOT NULL REFERENCES assignments,
    at timestamptz NOT NULL DEFAULT now(),
    active_ms bigint NOT NULL,
    idle_ms bigint NOT NULL,
    first_tile_ms int,
    loaded_ms int,
    tile_errors int NOT NULL DEFAULT 0
);
CREATE INDEX viewings_by_assignment ON viewings (assignment_id);

CREATE TABLE preferences (
    account_id bigint PRIMARY KEY REFERENCES accounts,
    document jsonb NOT NULL
);
"""

ADJUDICATION = """
CREATE TABLE adjudications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    study_id bigint NOT NULL REFERENCES studies,
    output_id bigint NOT NULL UNIQUE REFERENCES outputs,
    reason text NOT NULL CHECK (reason IN ('difference', 'flag')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'signed')),
    claimed_by bigint REFERENCES accounts,
    claimed_until timestamptz,
    value smallint CHECK (value BETWEEN 0 AND 10),
    rationale text NOT NULL DEFAULT '',
    signed_by bigint REFERENCES accounts,
    signed_at timestamptz,
    version int NOT NULL DEFAULT 1,
    opened_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'signed') = (value IS NOT NULL))
);

CREATE TABLE adjudication_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    adjudication_id bigint NOT NULL REFERENCES adjudications,
    action text NOT NULL CHECK (action IN ('open', 'claim', 'release', 'sign', 'reopen')),
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE TRIGGER adjudication_events_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON adjudication_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_events();

CREATE TABLE exports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    study_id bigint NOT NULL REFERENCES studies,
    kind text NOT NULL,
    filters jsonb NOT NULL DEFAULT '{}',
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    rows bigint NOT NULL,
    sha256 text NOT NULL,
    last_event_id bigint
);
"""


def upgrade() -> None:
    """Makes the tables."""
    op.execute(STUDIES)
    op.execute(READINGS)
    op.execute(ADJUDICATION)
