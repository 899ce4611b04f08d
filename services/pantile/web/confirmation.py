"""Confirmation: what cannot be taken back is done only by whoever gives the account's password once more."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import anyio.from_thread
import anyio.to_thread
from fastapi import Depends, Request

from pantile.catalog.accounts import get_account
from pantile.catalog.database import Database
from pantile.catalog.sessions import session_age_s
from pantile.catalog.sign_in_attempts import note_attempt, note_success
from pantile.domain.access import Visitor, network_of
from pantile.domain.errors import NotAllowed
from pantile.web.given import GivenVisitor
from pantile.web.passwords import is_password

RECENT_S = 900
"""How long ago an account without a password here may have signed in at its provider."""

Confirm = Callable[[str], None]


def confirm_visitor(database: Database, visitor: Visitor, password: str, *, network: str) -> None:
    """Passes whoever proves to be the account that they act as; a token without an account proves itself.

    Raises:
        NotAllowed: the password is another, or the sign-in at the provider is too long ago.
        TooManyAttempts: too many have failed lately.
    """
    if visitor.account_id is None or visitor.account is None:
        return
    with database.transaction() as connection:
        kept = get_account(connection, visitor.account_id).password_hash
        if kept is None:
            age_s = session_age_s(connection, visitor.session_id)
            if age_s is None or age_s > RECENT_S:
                raise NotAllowed("sign out and in again first: this has to follow a sign-in within 15 minutes")
            return
        attempt = note_attempt(connection, visitor.account, network)
    if not is_password(password, kept):
        raise NotAllowed("the password is not the account's; this needs it once more")
    with database.transaction() as connection:
        note_success(connection, attempt)


def _confirm(request: Request, visitor: GivenVisitor) -> Confirm:
    address = request.client.host if request.client else ""

    def confirm(password: str) -> None:
        check = partial(confirm_visitor, request.app.state.database, visitor, password, network=network_of(address))
        # Hashing takes 64 MiB and a core: on the few threads that sign-ins have.
        anyio.from_thread.run(partial(anyio.to_thread.run_sync, check, limiter=request.app.state.sign_ins))

    return confirm


GivenConfirm = Annotated[Confirm, Depends(_confirm)]
"""Checks a password given once more, in a handler that runs on a thread; see `confirm_visitor`."""
