"""Connections to PostgreSQL: a pool, transactions, and one error for a server that does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from pantile.domain.errors import DatabaseDown
from pantile.metrics import SERVER_ERRORS, SQL_SECONDS
from pantile.settings import Settings

Connection = psycopg.Connection[DictRow]
Row = dict[str, Any]

WORK_CHANNEL = "pantile_work"
"""What PostgreSQL notifies when there is work to publish."""

_SESSION = (
    "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c timezone=UTC "
    # What is asked for often is in memory or on a solid-state disk, where reading by an index costs little more.
    "-c random_page_cost=1.1"
)
_KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Database:
    """A pool of connections to the catalog; whoever asks for one waits `patience_s` for a server that is down."""

    def __init__(
        self, url: str, *, connections: int = 8, application: str = "pantile", patience_s: float = 10.0
    ) -> None:
        self._url = url
        self._application = application
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=patience_s,
            # The pool tries again after 1, 2, 4, … s, and would keep everybody waiting for as long as a server was down
            # after it is back. So that it ends with the patience of whoever asked, and the next one begins anew.
            reconnect_timeout=patience_s,
            check=ConnectionPool.check_connection,
            kwargs=self._parameters(),
        )

    @classmethod
    def from_settings(
        cls, settings: Settings, *, connections: int = 8, application: str = "pantile", patience_s: float = 10.0
    ) -> "Database":
        """The catalog that the settings name."""
        url = settings.database_url.get_secret_value()
        return cls(url, connections=connections, application=application, patience_s=patience_s)

    def _parameters(self) -> dict[str, Any]:
        return {"row_factory": dict_row, "options": _SESSION, "application_name": self._application, **_KEEPALIVE}

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection whose changes are committed together at the end, or not at all.

        Raises:
            DatabaseDown: PostgreSQL does not answer, went away meanwhile, or has not been migrated.
        """
        try:
            self._pool.open()
            with SQL_SECONDS.time(), self._pool.connection() as connection:
                yield connection
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            raise DatabaseDown("its schema is not this version's; `pantile database migrate` renews it") from error
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            SERVER_ERRORS.labels("database").inc()
            raise DatabaseDown(str(error).strip().splitlines()[0] if str(error).strip() else "") from error

    @contextmanager
    def listening(self) -> Iterator[Connection]:
        """A connection of its own that hears of new work on `WORK_CHANNEL`; raises `DatabaseDown`."""
        try:
            with psycopg.Connection[DictRow].connect(self._url, autocommit=True, **self._parameters()) as connection:
                connection.execute(f"LISTEN {WORK_CHANNEL}")
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseDown(str(error).strip()) from error

    def close(self) -> None:
        """Closes all connections."""
        self._pool.close()


def await_work(connection: Connection, *, timeout_s: float) -> bool:
    """Waits until work is announced on a listening connection; False when the time ran out. Raises `DatabaseDown`."""
    try:
        return any(True for _ in connection.notifies(timeout=timeout_s, stop_after=1))
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseDown(str(error).strip()) from error


def announce_work(connection: Connection) -> None:
    """Tells the coordinator, once this transaction is committed, that there is work to publish."""
    connection.execute(f"NOTIFY {WORK_CHANNEL}")
