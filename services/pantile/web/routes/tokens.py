"""API tokens: made, listed and revoked by admins."""

import secrets

from fastapi import APIRouter

from pantile.catalog import accounts, tokens
from pantile.catalog.tokens import Token
from pantile.domain.access import SECRET_BYTES, make_token
from pantile.schemas.access import TokenIn, TokenList, TokenMade, TokenOut
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase, TokenPath

router = APIRouter(prefix="/tokens", tags=["access"])


@router.get("", summary="List tokens")
def list_tokens(database: GivenDatabase) -> TokenList:
    """All tokens, those that have ended as well; none shows its secret."""
    with database.transaction() as connection:
        return TokenList(tokens=[_token_out(each) for each in tokens.list_tokens(connection)])


@router.post("", status_code=201, summary="Make a token", responses=problems(404))
def create_token(wanted: TokenIn, actor: GivenActor, database: GivenDatabase) -> TokenMade:
    """Makes a token and shows it, this once. With an account, it allows no more than the account's role at the time."""
    token = make_token(secrets.token_bytes(SECRET_BYTES))
    with database.transaction() as connection:
        account_id = accounts.find_account(connection, wanted.account).id if wanted.account is not None else None
        made = tokens.create_token(
            connection,
            token,
            name=wanted.name,
            scopes=wanted.scopes,
            days=wanted.days,
            account_id=account_id,
            actor=actor,
        )
    return TokenMade(**_token_out(made).model_dump(), token=token)


@router.delete("/{token_id}", summary="Revoke a token", responses=problems(404))
def revoke_token(token_id: TokenPath, actor: GivenActor, database: GivenDatabase) -> TokenOut:
    """Ends a token at once and for good. It stays in the list."""
    with database.transaction() as connection:
        return _token_out(tokens.revoke_token(connection, token_id, actor=actor))


def _token_out(token: Token) -> TokenOut:
    return TokenOut(
        id=token.id,
        name=token.name,
        hint=token.hint,
        account=token.account,
        scopes=list(token.scopes),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )
