"""Cookies: the session's, the browser's while it signs in, and the secrets that are derived from them.

Over https they are named `__Host-…`, which no other site, host or plain connection can set (RFC 6265bis, 4.1.3.2).
"""

import hashlib
import hmac

from fastapi import Request, Response

from pantile.settings import Settings

CSRF_HEADER = "X-CSRF-Token"

_SESSION = "pantile-session"
_SIGN_IN = "pantile-sign-in"
SIGN_IN_S = 600
"""How long a sign-in may take, from the page to the password or the provider's answer."""


def derive(secret: str, purpose: str) -> str:
    """A value for one purpose that only whoever holds the secret can make; nothing leads back from it."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def csrf_of(secret: str) -> str:
    """What requests that change something carry beside the cookie."""
    return derive(secret, "csrf")


def is_csrf_token(sent: str, secret: str) -> bool:
    """Whether this is the token that belongs to a cookie; none belongs to none."""
    return bool(secret) and hmac.compare_digest(sent.encode(), csrf_of(secret).encode())


def session_secret(request: Request) -> str:
    """The secret in the session's cookie, empty without one."""
    return _read(request, _SESSION)


def set_session(response: Response, settings: Settings, secret: str) -> None:
    """Gives the browser its session; the service decides when that ends."""
    _set(response, settings, _SESSION, secret, seconds=settings.session_longest_s)


def clear_session(response: Response, settings: Settings) -> None:
    """Takes the session's cookie away."""
    _set(response, settings, _SESSION, "", seconds=0)


def sign_in_secret(request: Request) -> str:
    """The secret of a browser that is signing in, empty without one."""
    return _read(request, _SIGN_IN)


def set_sign_in(response: Response, settings: Settings, secret: str) -> None:
    """Marks the browser that is signing in, so that nobody else's answer is taken for its own."""
    _set(response, settings, _SIGN_IN, secret, seconds=SIGN_IN_S)


def clear_sign_in(response: Response, settings: Settings) -> None:
    """Takes the mark away, so that it serves once."""
    _set(response, settings, _SIGN_IN, "", seconds=0)


def is_secure(settings: Settings) -> bool:
    """Whether people reach the service by https."""
    return settings.web_url.startswith("https://")


def _read(request: Request, name: str) -> str:
    return request.cookies.get(_name(request.app.state.settings, name), "")


def _name(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if is_secure(settings) else name


def _set(response: Response, settings: Settings, name: str, value: str, *, seconds: int) -> None:
    response.set_cookie(
        _name(settings, name),
        value,
        max_age=seconds,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )
