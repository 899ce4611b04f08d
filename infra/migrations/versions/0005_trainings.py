"""Trainings: leased rows whose state lies in the bucket, so that any train worker goes on with them."""

from alembic import op

revision = "0005"
down_revision = "0004"
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


def upgrade() -> None:
    """Makes the table."""
    op.execute(f"""
        CREATE TABLE trainings (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            digest text NOT NULL UNIQUE,
            segmenter text NOT NULL,
            version text NOT NULL,
            document jsonb NOT NULL,
            step bigint NOT NULL DEFAULT 0,
            epochs jsonb NOT NULL DEFAULT '[]',
            state_key text,
            state_sha256 text,
            best_key text,
            best_sha256 text,
            report jsonb,
            segmenter_id int REFERENCES segmenters,
            {LEASED},
            CHECK ((state_key IS NULL) = (state_sha256 IS NULL)),
            CHECK ((best_key IS NULL) = (best_sha256 IS NULL)),
            CHECK (state <> 'succeeded' OR segmenter_id IS NOT NULL)
        );
        CREATE UNIQUE INDEX trainings_of_a_version ON trainings (segmenter, version)
            WHERE state IN ('waiting', 'running', 'succeeded');
    """)
