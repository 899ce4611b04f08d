"""Vital signs of PostgreSQL: its version, room for connections, size, and which of our processes are connected."""

from dataclasses import dataclass
from datetime import datetime

from pantile.catalog.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSigns:
    """How PostgreSQL fares. `processes` are connections by the name that our processes give, such as `pantile web`."""

    version: str
    now: datetime
    connections: int
    most_connections: int
    database_bytes: int
    loses_commits: bool
    processes: dict[str, int]


def read_vital_signs(connection: Connection) -> VitalSigns:
    """How PostgreSQL fares; of connections by other users it tells no more than their number."""
    row = connection.execute(
        """
        SELECT current_setting('server_version') AS version, clock_timestamp() AS now,
               (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
               current_setting('max_connections')::int AS most_connections,
               pg_database_size(current_database()) AS database_bytes,
               current_setting('fsync') = 'off' OR current_setting('synchronous_commit') = 'off' AS loses_commits
        """
    ).fetchone()
    assert row is not None  # noqa: S101 — a SELECT without FROM gives one row
    processes = connection.execute(
        """
        SELECT application_name AS name, count(*) AS connections FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'pantile %' GROUP BY application_name
        """
    )
    return VitalSigns(**row, processes={each["name"]: each["connections"] for each in processes})
