"""Accounts of people: those who sign in here with a password, and those whom a sign-in provider vouches for."""

from dataclasses import dataclass
from datetime import datetime

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.access import Role
from pantile.domain.errors import AccountExists, AccountNotFound, AccountRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account. One without a role may do nothing; one with an issuer has no password here."""

    id: int
    name: str
    role: Role | None
    password_hash: str | None
    oidc_issuer: str | None
    is_active: bool
    created_at: datetime


def create_account(connection: Connection, name: str, *, role: Role, password_hash: str, actor: str) -> Account:
    """Makes an account with a password; audited. Raises `AccountExists`."""
    row = connection.execute(
        """
        INSERT INTO accounts (name, role, password_hash) VALUES (%s, %s, %s)
        ON CONFLICT (name) DO NOTHING RETURNING *
        """,
        [name, role, password_hash],
    ).fetchone()
    if row is None:
        raise AccountExists(name)
    record_action(connection, actor=actor, action="create", subject=f"account {name}", details={"role": role})
    return _account(row)


def find_account(connection: Connection, name: str) -> Account:
    """The account of that name; raises `AccountNotFound`."""
    row = connection.execute("SELECT * FROM accounts WHERE name = %s", [name]).fetchone()
    if row is None:
        raise AccountNotFound(name)
    return _account(row)


def get_account(connection: Connection, account_id: int) -> Account:
    """The account with that id; raises `AccountNotFound`."""
    row = connection.execute("SELECT * FROM accounts WHERE id = %s", [account_id]).fetchone()
    if row is None:
        raise AccountNotFound(str(account_id))
    return _account(row)


def list_accounts(connection: Connection) -> list[Account]:
    """All accounts by name."""
    return [_account(row) for row in connection.execute("SELECT * FROM accounts ORDER BY name")]


def set_role(connection: Connection, name: str, role: Role, *, actor: str) -> Account:
    """Gives an account another role, at once for its sessions and tokens as well; audited. Raises `AccountNotFound`."""
    before = find_account(connection, name)
    row = connection.execute("UPDATE accounts SET role = %s WHERE id = %s RETURNING *", [role, before.id]).fetchone()
    details = {"role": role, "was": before.role}
    record_action(connection, actor=actor, action="set role", subject=f"account {name}", details=details)
    return _account(row)


def set_active(connection: Connection, name: str, *, is_active: bool, actor: str) -> Account:
    """Disables an account, whose sessions end, or enables it again; audited. Raises `AccountNotFound`."""
    account = find_account(connection, name)
    row = connection.execute(
        "UPDATE accounts SET is_active = %s WHERE id = %s RETURNING *", [is_active, account.id]
    ).fetchone()
    if not is_active:
        _end_sessions(connection, account)
    record_action(connection, actor=actor, action="enable" if is_active else "disable", subject=f"account {name}")
    return _account(row)


def set_password(connection: Connection, name: str, password_hash: str, *, actor: str) -> Account:
    """Gives an account another password, and ends its sessions; audited.

    Raises:
        AccountNotFound: no such account.
        AccountRefused: a sign-in provider vouches for it.
    """
    account = find_account(connection, name)
    if account.oidc_issuer is not None:
        raise AccountRefused(f"{name} signs in at {account.oidc_issuer} and has no password here")
    connection.execute("UPDATE accounts SET password_hash = %s WHERE id = %s", [password_hash, account.id])
    _end_sessions(connection, account)
    record_action(connection, actor=actor, action="set password", subject=f"account {name}")
    return account


def account_of_identity(
    connection: Connection, *, issuer: str, subject: str, wished_name: str, role: Role | None
) -> Account:
    """The account of an identity that a provider vouches for, made at the first sign-in; audited.

    Issuer and subject alone make the identity: names and e-mail addresses can be given to others. `role` is what the
    provider's groups say; None leaves the role to the administrators.
    """
    known = _find_identity(connection, issuer, subject)
    if known is None:
        # Of two first sign-ins at once, the second finds what the first has made.
        connection.execute("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE")
        known = _find_identity(connection, issuer, subject)
    if known is None:
        return _add_identity(connection, issuer, subject, _free_name(connection, wished_name), role)
    if role is None or known.role is role:
        return known
    return set_role(connection, known.name, role, actor=issuer)


def _find_identity(connection: Connection, issuer: str, subject: str) -> Account | None:
    row = connection.execute(
        "SELECT * FROM accounts WHERE oidc_issuer = %s AND oidc_subject = %s", [issuer, subject]
    ).fetchone()
    return _account(row) if row else None


def _add_identity(connection: Connection, issuer: str, subject: str, name: str, role: Role | None) -> Account:
    row = connection.execute(
        """
        INSERT INTO accounts (oidc_issuer, oidc_subject, name, role) VALUES (%s, %s, %s, %s)
        RETURNING *
        """,
        [issuer, subject, name, role],
    ).fetchone()
    details = {"role": role, "oidc_subject": subject}
    record_action(connection, actor=issuer, action="create", subject=f"account {name}", details=details)
    return _account(row)


def _free_name(connection: Connection, wished: str) -> str:
    """The name wished for, or that with the first number that nobody has."""
    row = connection.execute(
        """
        SELECT candidate FROM (
            SELECT 1 AS number, %(name)s AS candidate
            UNION ALL SELECT number, %(name)s || '-' || number FROM generate_series(2, 10000) AS number) names
        WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.name = candidate) ORDER BY number LIMIT 1
        """,
        {"name": wished},
    ).fetchone()
    if row is None:
        raise AccountExists(wished)
    return str(row["candidate"])


def _end_sessions(connection: Connection, account: Account) -> None:
    connection.execute("UPDATE sessions SET ended_at = now() WHERE account_id = %s AND ended_at IS NULL", [account.id])


def _account(row: Row | None) -> Account:
    assert row is not None  # noqa: S101 — an insert or update of a row that is there gives it
    return Account(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]) if row["role"] is not None else None,
        password_hash=row["password_hash"],
        oidc_issuer=row["oidc_issuer"],
        is_active=row["is_active"],
        created_at=row["created_at"],
    )
