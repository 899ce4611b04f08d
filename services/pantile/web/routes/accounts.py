"""Accounts of people: made, listed and changed by admins."""

from fastapi import APIRouter

from pantile.catalog import accounts
from pantile.catalog.accounts import Account
from pantile.domain.access import check_account_name
from pantile.schemas.access import AccountChange, AccountIn, AccountList, AccountOut, PasswordIn
from pantile.web.errors import problems
from pantile.web.given import AccountPath, GivenActor, GivenDatabase
from pantile.web.passwords import hash_password

router = APIRouter(prefix="/accounts", tags=["access"])


@router.get("", summary="List accounts")
def list_accounts(database: GivenDatabase) -> AccountList:
    """All accounts, those that are disabled as well."""
    with database.transaction() as connection:
        return AccountList(accounts=[_account_out(each) for each in accounts.list_accounts(connection)])


@router.post("", status_code=201, summary="Make an account", responses=problems(409))
def create_account(wanted: AccountIn, actor: GivenActor, database: GivenDatabase) -> AccountOut:
    """Makes an account that signs in with a password."""
    check_account_name(wanted.name)
    password_hash = hash_password(wanted.password)
    with database.transaction() as connection:
        made = accounts.create_account(
            connection, wanted.name, role=wanted.role, password_hash=password_hash, actor=actor
        )
    return _account_out(made)


@router.patch("/{account}", summary="Change an account", responses=problems(404))
def change_account(
    account: AccountPath, change: AccountChange, actor: GivenActor, database: GivenDatabase
) -> AccountOut:
    """Gives an account another role, disables it or enables it again; at once, for its sessions and tokens as well."""
    with database.transaction() as connection:
        changed = accounts.find_account(connection, account)
        if change.role is not None:
            changed = accounts.set_role(connection, account, change.role, actor=actor)
        if change.is_active is not None:
            changed = accounts.set_active(connection, account, is_active=change.is_active, actor=actor)
    return _account_out(changed)


@router.put("/{account}/password", summary="Set an account's password", responses=problems(404))
def set_password(account: AccountPath, wanted: PasswordIn, actor: GivenActor, database: GivenDatabase) -> AccountOut:
    """Gives an account another password, and ends its sessions."""
    password_hash = hash_password(wanted.password)
    with database.transaction() as connection:
        return _account_out(accounts.set_password(connection, account, password_hash, actor=actor))


def _account_out(account: Account) -> AccountOut:
    return AccountOut(
        name=account.name,
        role=account.role,
        is_active=account.is_active,
        oidc_issuer=account.oidc_issuer,
        created_at=account.created_at,
    )
