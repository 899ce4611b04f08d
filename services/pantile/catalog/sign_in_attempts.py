"""Attempts to sign in with a password: each is noted before the password is looked at, and too many are refused."""

from pantile.catalog.database import Connection
from pantile.domain.errors import TooManyAttempts

_WINDOW = "15 min"
_BY_ACCOUNT_AND_NETWORK = 5
_BY_NETWORK = 30
_BY_ACCOUNT = 50
"""Failures that a quarter of an hour may see. The last counts only against networks that the account has never signed
in from: guessing from many machines does not shut its owner out."""

_KEPT_FOR = "30 days"


def note_attempt(connection: Connection, account_name: str, network: str) -> int:
    """Notes an attempt as failed, until `note_success`, and gives its id; one that is refused is not noted.

    Raises:
        TooManyAttempts: too many of the last quarter of an hour failed, by this account, this network or both.
    """
    # Attempts of one account or one network wait for each other here, and so see each other.
    connection.execute("SELECT pg_advisory_xact_lock(8246, hashtext(%s))", [account_name])
    connection.execute("SELECT pg_advisory_xact_lock(8247, hashtext(%s))", [network])
    _check_failures(connection, account_name, network)
    connection.execute("DELETE FROM sign_in_attempts WHERE at < now() - %s::interval", [_KEPT_FOR])
    row = connection.execute(
        "INSERT INTO sign_in_attempts (account_name, network) VALUES (%s, %s) RETURNING id", [account_name, network]
    ).fetchone()
    assert row is not None  # noqa: S101 — an insert gives its row
    return int(row["id"])


def note_success(connection: Connection, attempt_id: int) -> None:
    """Notes that an attempt was none at guessing."""
    connection.execute("UPDATE sign_in_attempts SET has_succeeded = true WHERE id = %s", [attempt_id])


def _check_failures(connection: Connection, account_name: str, network: str) -> None:
    row = connection.execute(
        """
        SELECT count(*) FILTER (WHERE account_name = %(account)s AND network = %(network)s) AS by_both,
               count(*) FILTER (WHERE network = %(network)s) AS by_network,
               count(*) FILTER (WHERE account_name = %(account)s) AS by_account,
               EXISTS (SELECT 1 FROM sign_in_attempts WHERE account_name = %(account)s AND network = %(network)s
                       AND has_succeeded) AS is_known_network
        FROM sign_in_attempts
        WHERE (account_name = %(account)s OR network = %(network)s) AND NOT has_succeeded
          AND at > now() - %(window)s::interval
        """,
        {"account": account_name, "network": network, "window": _WINDOW},
    ).fetchone()
    assert row is not None  # noqa: S101 — counting gives a row
    if (
        row["by_both"] >= _BY_ACCOUNT_AND_NETWORK
        or row["by_network"] >= _BY_NETWORK
        or (row["by_account"] >= _BY_ACCOUNT and not row["is_known_network"])
    ):
        raise TooManyAttempts
