"""`pantile tokens`: made, listed and revoked."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import remark, say, show_table
from pantile.domain.access import Scope
from pantile.schemas.access import TokenIn, TokenOut

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", help="Make, list and revoke API tokens.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    scope: Annotated[list[Scope], typer.Option(help="What it allows; once for each. submit and operate bring read.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 90,
    account: Annotated[
        str | None, typer.Option(help="Whose it is; it then allows no more than the account's role.")
    ] = None,
    api: Api = "",
) -> None:
    """Make an API token, and show it: this once, alone on standard output."""
    with open_api(api) as client:
        made = client.create_token(TokenIn(name=name, scopes=scope, days=days, account=account))
    remark(f"Token {made.id} ({made.name}) is valid until {_day(made.expires_at)}. It is shown this once:")
    say(made.token)


@app.command("list")
def list_tokens(*, api: Api = "") -> None:
    """List all tokens, with the time of their last use; none shows its secret."""
    with open_api(api) as client:
        tokens = client.tokens()
    columns = ("id", "name", "begins with", "account", "scopes", "last used (UTC)", "valid until")
    show_table(columns, [_row(each) for each in tokens])


@app.command()
def revoke(token_id: Annotated[int, typer.Argument(metavar="ID", min=1)], *, api: Api = "") -> None:
    """End a token, at once and for good."""
    with open_api(api) as client:
        token = client.revoke_token(token_id)
    say(f"Token {token.id} ({token.name}) is revoked.")


def _row(token: TokenOut) -> tuple[object, ...]:
    used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
    return (
        token.id,
        token.name,
        f"{token.hint}…",
        token.account or "",
        ", ".join(scope.value for scope in token.scopes),
        used,
        _standing(token),
    )


def _standing(token: TokenOut) -> str:
    if token.revoked_at is not None:
        return f"revoked on {_day(token.revoked_at)}"
    if token.expires_at is not None and token.expires_at <= datetime.now(UTC):
        return f"expired on {_day(token.expires_at)}"
    return _day(token.expires_at)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else "it is revoked"
