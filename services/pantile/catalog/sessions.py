"""Sessions of people in browsers: opened by a sign-in, kept as a digest, ended by time, hand or with the account."""

from dataclasses import dataclass
from datetime import datetime

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection
from pantile.catalog.study_members import IS_BLINDED
from pantile.domain.access import Role, Visitor, digest_of, scopes_of
from pantile.domain.errors import NotSignedIn, SessionNotFound

_KEPT_FOR = "30 days"
_MAX_BROWSER = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that has not ended, as lists show it."""

    id: int
    account: str
    address: str
    browser: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def open_session(
    connection: Connection, account_id: int, secret: str, *, address: str, browser: str, longest_s: int
) -> None:
    """Opens a session, and forgets those that ended long ago; audited."""
    connection.execute(
        """
        INSERT INTO sessions (account_id, sha256, address, browser, expires_at)
        VALUES (%s, %s, %s, %s, now() + make_interval(secs => %s))
        """,
        [account_id, digest_of(secret), address, browser[:_MAX_BROWSER], longest_s],
    )
    connection.execute("DELETE FROM sessions WHERE expires_at < now() - %s::interval", [_KEPT_FOR])
    account = connection.execute("SELECT name FROM accounts WHERE id = %s", [account_id]).fetchone()
    assert account is not None  # noqa: S101 — the session refers to it
    details = {"address": address}
    record_action(
        connection, actor=account["name"], action="sign in", subject=f"account {account['name']}", details=details
    )


def admit_session(connection: Connection, secret: str, *, idle_s: int) -> Visitor:
    """Whose session this is; that it was seen is noted once a minute.

    Raises:
        NotSignedIn: there is no such session, or it has ended, by hand, by time, by `idle_s` without a request, or with
            its account.
    """
    row = connection.execute(
        f"""
        SELECT s.id, s.last_seen_at < now() - interval '1 min' AS is_note_due, a.id AS account_id, a.name, a.role,
               {IS_BLINDED} AS is_blinded
        FROM sessions s JOIN accounts a ON a.id = s.account_id
        WHERE s.sha256 = %s AND s.ended_at IS NULL AND a.is_active AND s.expires_at > now()
          AND s.last_seen_at > now() - make_interval(secs => %s)
        """,  # noqa: S608 — joined from constants
        [digest_of(secret), idle_s],
    ).fetchone()
    if row is None:
        raise NotSignedIn("the session has ended")
    if row["is_note_due"]:
        connection.execute("UPDATE sessions SET last_seen_at = now() WHERE id = %s", [row["id"]])
    role = Role(row["role"]) if row["role"] else None
    scopes = scopes_of(role, is_blinded=row["is_blinded"])
    return Visitor(scopes=scopes, account_id=row["account_id"], account=row["name"], role=role, session_id=row["id"])


def session_age_s(connection: Connection, session_id: int | None) -> float | None:
    """Seconds since the sign-in that opened a session; None where there is none."""
    row = connection.execute(
        "SELECT extract(epoch FROM now() - created_at)::float AS age_s FROM sessions WHERE id = %s", [session_id]
    ).fetchone()
    return float(row["age_s"]) if row else None


def list_sessions(connection: Connection, *, account_id: int | None, idle_s: int) -> list[Session]:
    """Sessions that have not ended, newest first: one account's, or all (None)."""
    rows = connection.execute(
        """
        SELECT s.id, a.name AS account, s.address, s.browser, s.created_at, s.last_seen_at, s.expires_at
        FROM sessions s JOIN accounts a ON a.id = s.account_id
        WHERE s.ended_at IS NULL AND s.expires_at > now() AND s.last_seen_at > now() - make_interval(secs => %(idle_s)s)
          AND (%(account_id)s::bigint IS NULL OR s.account_id = %(account_id)s)
        ORDER BY s.id DESC
        """,
        {"account_id": account_id, "idle_s": idle_s},
    )
    return [Session(**row) for row in rows]


def end_session(connection: Connection, session_id: int, *, account_id: int | None, actor: str) -> None:
    """Ends a session, of this account or of any (None); audited. Raises `SessionNotFound`."""
    row = connection.execute(
        """
        UPDATE sessions s SET ended_at = now() FROM accounts a
        WHERE a.id = s.account_id AND s.id = %(id)s AND s.ended_at IS NULL
          AND (%(account_id)s::bigint IS NULL OR s.account_id = %(account_id)s)
        RETURNING a.name
        """,
        {"id": session_id, "account_id": account_id},
    ).fetchone()
    if row is None:
        raise SessionNotFound(str(session_id))
    details = {"account": row["name"]}
    record_action(connection, actor=actor, action="end", subject=f"session {session_id}", details=details)
