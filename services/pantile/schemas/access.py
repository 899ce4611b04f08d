"""Who asks: accounts, sessions and API tokens."""

from datetime import datetime

from pydantic import Field, StrictBool, StrictInt

from pantile.domain.access import Role, Scope
from pantile.schemas.shapes import Ask, Shape


class MeOut(Shape):
    """Who asks, and what they may do. `csrf_token` goes into the header X-CSRF-Token of what changes something."""

    actor: str
    account: str | None
    role: Role | None
    scopes: list[Scope]
    csrf_token: str | None = Field(description="None for a token, which needs no such header.")


class SessionOut(Shape):
    """A session that has not ended."""

    id: int
    account: str
    address: str
    browser: str
    is_this: bool = Field(description="Whether the request itself came in this session.")
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class SessionList(Shape):
    """Sessions, newest first."""

    sessions: list[SessionOut]


class AccountIn(Ask):
    """An account to be made."""

    name: str = Field(max_length=100, examples=["jane"])
    role: Role
    password: str = Field(max_length=1000, description="12 characters or more; nothing else is asked of it.")


class AccountChange(Ask):
    """What is to change of an account; what is absent stays."""

    role: Role | None = None
    is_active: StrictBool | None = Field(None, description="False ends its sessions and suspends its tokens.")


class PasswordIn(Ask):
    """Another password."""

    password: str = Field(max_length=1000)


class AccountOut(Shape):
    """An account of a person."""

    name: str
    role: Role | None = Field(description="None: it was made by a sign-in, and awaits an admin.")
    is_active: bool
    oidc_issuer: str | None = Field(description="The provider that it signs in with; None: with a password.")
    created_at: datetime


class AccountList(Shape):
    """All accounts by name."""

    accounts: list[AccountOut]


class TokenIn(Ask):
    """A token to be made."""

    name: str = Field(min_length=1, max_length=100, description="What it is for.", examples=["nightly upload"])
    scopes: list[Scope] = Field(min_length=1, description="submit and operate bring read, admin brings all.")
    days: StrictInt = Field(90, ge=1, le=3650, description="How long it is valid.")
    account: str | None = Field(
        None,
        max_length=100,
        pattern=r"^[^\x00]*$",
        description="Whose it is; it then allows no more than the account's role.",
    )


class TokenOut(Shape):
    """A token, without its secret; `hint` is how it begins."""

    id: int
    name: str
    hint: str
    account: str | None
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class TokenMade(TokenOut):
    """A new token; `token` is shown here and never again."""

    token: str


class TokenList(Shape):
    """All tokens by ascending id."""

    tokens: list[TokenOut]
