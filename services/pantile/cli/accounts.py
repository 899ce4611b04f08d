"""`pantile accounts`: made, listed and changed."""

import sys
from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import say, show_table
from pantile.domain.access import Role, check_account_name, check_password
from pantile.schemas.access import AccountChange, AccountIn, AccountOut, PasswordIn

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Make, list and change the accounts of people."
)

Name = Annotated[str, typer.Argument(help="The account's name.")]


@app.command()
def create(name: Name, *, role: Annotated[Role, typer.Option(help="What the person may do.")], api: Api = "") -> None:
    """Make an account that signs in with a password, which is asked for, or read from standard input."""
    check_account_name(name)
    with open_api(api) as client:
        made = client.create_account(AccountIn(name=name, role=role, password=_read_password(name)))
        say(f"{made.name} may sign in at {client.address}/auth/login as {made.role}.")


@app.command("list")
def list_accounts(*, api: Api = "") -> None:
    """List all accounts."""
    with open_api(api) as client:
        accounts = client.accounts()
    if not accounts:
        say("There is no account yet; `pantile accounts create NAME --role admin` makes one.")
        return
    show_table(("name", "role", "signs in", "state", "made (UTC)"), [_row(each) for each in accounts])


@app.command("set-password")
def set_password(name: Name, *, api: Api = "") -> None:
    """Give an account another password, which is asked for, or read from standard input; its sessions end."""
    with open_api(api) as client:
        client.set_password(name, PasswordIn(password=_read_password(name)))
    say(f"{name} has a new password; its sessions have ended.")


@app.command("set-role")
def set_role(name: Name, role: Annotated[Role, typer.Argument()], *, api: Api = "") -> None:
    """Give an account another role, which holds at once."""
    with open_api(api) as client:
        client.change_account(name, AccountChange(role=role))
    say(f"{name} is {role} now.")


@app.command()
def disable(name: Name, *, api: Api = "") -> None:
    """Disable an account: its sessions end, and its tokens are refused."""
    with open_api(api) as client:
        client.change_account(name, AccountChange(is_active=False))
    say(f"{name} is disabled; `pantile accounts enable {name}` lets it in again.")


@app.command()
def enable(name: Name, *, api: Api = "") -> None:
    """Enable an account that was disabled."""
    with open_api(api) as client:
        client.change_account(name, AccountChange(is_active=True))
    say(f"{name} may sign in again.")


def _read_password(name: str) -> str:
    """Asked for twice on a terminal, else the first line of standard input; raises `PasswordRefused`."""
    if sys.stdin.isatty():
        password = str(typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    check_password(password)
    return password


def _row(account: AccountOut) -> tuple[object, ...]:
    return (
        account.name,
        account.role or "none yet",
        f"at {account.oidc_issuer}" if account.oidc_issuer else "with a password",
        "active" if account.is_active else "disabled",
        f"{account.created_at:%Y-%m-%d %H:%M}",
    )
