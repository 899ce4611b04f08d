"""Access: what roles and scopes allow, what a token and a name look like, what a password has to be."""

import base64
import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pantile.domain.errors import AccountRefused, PasswordRefused, TokenRefused

SECRET_BYTES = 32
"""256 bits: what every token and every session's secret is made of."""

TOKEN_PREFIX = "ptl_"  # noqa: S105 — what every token begins with, so that scanners of leaked secrets know one
_TOKEN = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}")
_HINT_CHARACTERS = 9

_ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_MAX_WISHED_NAME = 90
"""Leaves room for a number behind it."""

_MAX_ADDRESS = 100
_MAX_TOKEN_NAME = 100

MIN_PASSWORD = 12
MAX_PASSWORD = 1000
"""Characters of a password. Its length counts and nothing else (NIST SP 800-63B, 5.1.1.2); the upper limit bounds the
work of hashing."""


class Role(StrEnum):
    """What an account is, from the most powerful down."""

    ADMIN = "admin"
    OPERATOR = "operator"
    ADJUDICATOR = "adjudicator"
    RATER = "rater"
    VIEWER = "viewer"


class Scope(StrEnum):
    """What may be done through the API."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"
    ADMIN = "admin"


_IMPLIED: Mapping[Scope, frozenset[Scope]] = {
    Scope.READ: frozenset(),
    Scope.SUBMIT: frozenset({Scope.READ}),
    Scope.OPERATE: frozenset({Scope.READ}),
    Scope.ADMIN: frozenset(Scope),
}

# Raters and adjudicators are blinded: cohorts, jobs and segmenters name the segmenter behind each class map.
_OF_ROLE: Mapping[Role, frozenset[Scope]] = {
    Role.ADMIN: frozenset(Scope),
    Role.OPERATOR: frozenset({Scope.READ, Scope.SUBMIT, Scope.OPERATE}),
    Role.ADJUDICATOR: frozenset(),
    Role.RATER: frozenset(),
    Role.VIEWER: frozenset({Scope.READ}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks: an account in a session, or a token, with or without an account behind it."""

    scopes: frozenset[Scope]
    account_id: int | None = None
    account: str | None = None
    role: Role | None = None
    session_id: int | None = None
    token_id: int | None = None
    token: str | None = None

    @property
    def actor(self) -> str:
        """How the audit log names them: `jane`, `token 7 (nightly)`, `jane, token 7 (nightly)`."""
        token = f"token {self.token_id} ({self.token})" if self.token_id is not None else None
        return ", ".join(part for part in (self.account, token) if part)


def with_implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Scopes with those that they bring: whoever submits or operates may read, an admin may all."""
    asked = frozenset(scopes)
    return asked.union(*(_IMPLIED[scope] for scope in asked))


def scopes_of(role: Role | None, *, is_blinded: bool = False) -> frozenset[Scope]:
    """What a role may do; an account without one, nothing.

    A viewer who scores or adjudicates a study that hides its segmenters' names (`is_blinded`) may as little as a rater.
    """
    if role is None or (is_blinded and role is Role.VIEWER):
        return frozenset()
    return _OF_ROLE[role]


def highest_role(roles: Iterable[Role]) -> Role | None:
    """The most powerful of some roles, None of none."""
    asked = set(roles)
    return next((role for role in Role if role in asked), None)


def make_token(secret: bytes) -> str:
    """The API token made of `SECRET_BYTES` random bytes."""
    return TOKEN_PREFIX + make_key(secret)


def make_key(secret: bytes) -> str:
    """Random bytes as letters that cookies and addresses take: 43 of them for 32 bytes."""
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def is_token(text: str) -> bool:
    """Whether a text has the form of an API token."""
    return _TOKEN.fullmatch(text) is not None


def token_hint(token: str) -> str:
    """The beginning of a token, by which people tell theirs apart in lists; what remains is over 200 bits."""
    return token[:_HINT_CHARACTERS]


def digest_of(secret: str) -> str:
    """What is kept of a token or a session's secret: its SHA-256. With 256 random bits in it, no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_token_name(name: str) -> None:
    """Raises `TokenRefused` for a name that cannot be a token's."""
    if not name.strip() or len(name) > _MAX_TOKEN_NAME or not name.isprintable():
        raise TokenRefused(f"its name has to be 1 to {_MAX_TOKEN_NAME} printable characters")


def check_account_name(name: str) -> None:
    """Raises `AccountRefused` for a name that cannot be an account's."""
    if not _ACCOUNT_NAME.fullmatch(name):
        raise AccountRefused(f"{name[:100]!r} is no account name: small letters, digits, and . _ @ + - within")


def check_password(password: str) -> None:
    """Raises `PasswordRefused` for one that is too short or too long."""
    if len(password) < MIN_PASSWORD:
        raise PasswordRefused(f"it has to have {MIN_PASSWORD} characters at least")
    if len(password) > MAX_PASSWORD:
        raise PasswordRefused(f"it may have {MAX_PASSWORD} characters at most")


def as_account_name(text: str) -> str:
    """An account name as near to a text as can be: `Jane Doe` becomes `jane-doe`."""
    name = re.sub(r"[^a-z0-9._@+-]+", "-", text.lower()).strip("._@+-")[:_MAX_WISHED_NAME]
    return name or "person"


def network_of(address: str) -> str:
    """What limits count a client by: its IPv4 address, or the /64 that one customer has of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:_MAX_ADDRESS]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
