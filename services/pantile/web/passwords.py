"""Passwords, hashed with argon2id; the only home of argon2."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from pantile.domain.access import check_password

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_OF_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$nEc7WEs5HLJmy8cJ+JkO3w$tdyIIk7UOr4tiSlUQPkFVeEKjjaJNlWm2UmurM8Qme4"
"""The hash of a random text that nobody has kept."""


def hash_password(password: str) -> str:
    """What is kept of a password; raises `PasswordRefused`."""
    check_password(password)
    return _HASHER.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Whether this is the password; takes as long where nothing is kept, so that it tells nobody who has an account."""
    try:
        return _HASHER.verify(kept or _OF_NOBODY, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False
