"""Signing in: a password or a provider's word becomes a session."""

import secrets
from dataclasses import dataclass

from pantile.catalog.accounts import Account, account_of_identity, find_account
from pantile.catalog.database import Connection, Database
from pantile.catalog.sessions import open_session
from pantile.catalog.sign_in_attempts import note_attempt, note_success
from pantile.domain.access import SECRET_BYTES, as_account_name, highest_role, make_key, network_of
from pantile.domain.errors import AccountNotFound, SignInRefused
from pantile.settings import Settings
from pantile.web.oidc import Identity
from pantile.web.passwords import is_password


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a sign-in comes from."""

    address: str
    browser: str


def sign_in_by_password(database: Database, settings: Settings, client: Client, *, name: str, password: str) -> str:
    """The secret of a new session.

    Raises:
        TooManyAttempts: too many have failed lately.
        SignInRefused: name and password do not belong together, or the account is disabled.
    """
    with database.transaction() as connection:
        attempt = note_attempt(connection, name, network_of(client.address))
    account = _find(database, name)
    if not is_password(password, account.password_hash if account else None) or account is None:
        raise SignInRefused("name and password do not belong together")
    with database.transaction() as connection:
        note_success(connection, attempt)
        return _open(connection, settings, client, account)


def sign_in_by_identity(database: Database, settings: Settings, client: Client, identity: Identity) -> str:
    """The secret of a new session.

    Raises:
        SignInRefused: none of the person's groups has a role here, or the account is disabled.
    """
    role = highest_role(settings.oidc_roles[group] for group in identity.groups if group in settings.oidc_roles)
    if settings.oidc_roles and role is None:
        groups = ", ".join(identity.groups) or "none"
        raise SignInRefused(f"none of your groups at the provider ({groups}) has a role in this Pantile")
    with database.transaction() as connection:
        account = account_of_identity(
            connection,
            issuer=settings.oidc_issuer,
            subject=identity.subject,
            wished_name=as_account_name(identity.name),
            role=role,
        )
        return _open(connection, settings, client, account)


def _find(database: Database, name: str) -> Account | None:
    with database.transaction() as connection:
        try:
            return find_account(connection, name)
        except AccountNotFound:
            return None


def _open(connection: Connection, settings: Settings, client: Client, account: Account) -> str:
    if not account.is_active:
        raise SignInRefused(f"the account {account.name} is disabled")
    secret = make_key(secrets.token_bytes(SECRET_BYTES))
    open_session(
        connection,
        account.id,
        secret,
        address=client.address,
        browser=client.browser,
        longest_s=settings.session_longest_s,
    )
    return secret
