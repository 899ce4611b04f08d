"""API tokens: random, kept as a digest only, with scopes, an end, and the time of their last use."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.catalog.study_members import IS_BLINDED
from pantile.domain.access import Role, Scope, Visitor, check_token_name, digest_of, scopes_of, token_hint, with_implied
from pantile.domain.errors import NotSignedIn, TokenNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as lists show it: never its secret, only the `hint` that it begins with."""

    id: int
    name: str
    hint: str
    account: str | None
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


_SELECT = """
    SELECT t.id, t.name, t.hint, a.name AS account, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
    FROM api_tokens t LEFT JOIN accounts a ON a.id = t.account_id
"""


def create_token(
    connection: Connection,
    token: str,
    *,
    name: str,
    scopes: Iterable[Scope],
    days: int | None,
    account_id: int | None = None,
    actor: str,
) -> Token:
    """Keeps a new token, valid for so many days (None: until it is revoked); audited.

    With an account behind it, it never allows more than the account's role, and ends with the account.

    Raises:
        TokenRefused: the name cannot be a token's.
    """
    check_token_name(name)
    wanted = sorted(scopes)
    row = connection.execute(
        """
        INSERT INTO api_tokens (name, hint, sha256, account_id, scopes, expires_at)
        VALUES (%s, %s, %s, %s, %s, now() + make_interval(days => %s)) RETURNING id
        """,
        [name, token_hint(token), digest_of(token), account_id, [scope.value for scope in wanted], days],
    ).fetchone()
    assert row is not None  # noqa: S101 — an insert gives its row
    limits = {"days": days, "account_id": account_id}
    details = {"name": name, "scopes": wanted, **{key: value for key, value in limits.items() if value is not None}}
    record_action(connection, actor=actor, action="create", subject=f"token {row['id']}", details=details)
    return get_token(connection, row["id"])


def is_kept(connection: Connection, token: str) -> bool:
    """Whether this very token was made here, be it valid still or not."""
    found = connection.execute("SELECT 1 FROM api_tokens WHERE sha256 = %s", [digest_of(token)])
    return found.fetchone() is not None


def get_token(connection: Connection, token_id: int) -> Token:
    """A token; raises `TokenNotFound`."""
    row = connection.execute(f"{_SELECT} WHERE t.id = %s", [token_id]).fetchone()
    if row is None:
        raise TokenNotFound(str(token_id))
    return _token(row)


def list_tokens(connection: Connection) -> list[Token]:
    """All tokens by ascending id, those that ended as well."""
    return [_token(row) for row in connection.execute(f"{_SELECT} ORDER BY t.id")]


def revoke_token(connection: Connection, token_id: int, *, actor: str) -> Token:
    """Ends a token at once and for good; audited. Raises `TokenNotFound`."""
    changed = connection.execute(
        "UPDATE api_tokens SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL", [token_id]
    ).rowcount
    if changed:
        record_action(connection, actor=actor, action="revoke", subject=f"token {token_id}")
    return get_token(connection, token_id)


def admit_token(connection: Connection, token: str) -> Visitor:
    """Who sends this token; its use is noted once a minute. Raises `NotSignedIn`, saying what is wrong with it.

    The digest is looked up, so how long it takes tells nothing about the tokens that there are.
    """
    row = connection.execute(
        f"""
        SELECT t.id, t.name, t.scopes, t.revoked_at, t.expires_at, t.expires_at <= now() AS has_expired,
               coalesce(t.last_used_at < now() - interval '1 min', true) AS is_use_due,
               a.id AS account_id, a.name AS account, a.role, a.is_active, {IS_BLINDED} AS is_blinded
        FROM api_tokens t LEFT JOIN accounts a ON a.id = t.account_id WHERE t.sha256 = %s
        """,  # noqa: S608 — joined from constants
        [digest_of(token)],
    ).fetchone()
    _refuse_ended(row)
    assert row is not None  # noqa: S101 — refused just above
    if row["is_use_due"]:
        connection.execute("UPDATE api_tokens SET last_used_at = now() WHERE id = %s", [row["id"]])
    role = Role(row["role"]) if row["role"] else None
    scopes = with_implied(Scope(scope) for scope in row["scopes"])
    return Visitor(
        scopes=scopes if row["account_id"] is None else scopes & scopes_of(role, is_blinded=row["is_blinded"]),
        account_id=row["account_id"],
        account=row["account"],
        role=role,
        token_id=row["id"],
        token=row["name"],
    )


def _refuse_ended(row: Row | None) -> None:
    if row is None:
        raise NotSignedIn("the token that was sent is not known here")
    if row["revoked_at"] is not None:
        raise NotSignedIn(f"the token that was sent was revoked on {row['revoked_at']:%Y-%m-%d}")
    if row["has_expired"]:
        raise NotSignedIn(f"the token that was sent expired on {row['expires_at']:%Y-%m-%d}")
    if row["is_active"] is False:
        raise NotSignedIn(f"the account {row['account']} behind the token that was sent is disabled")


def _token(row: Row) -> Token:
    return Token(**{**row, "scopes": tuple(Scope(scope) for scope in row["scopes"])})
