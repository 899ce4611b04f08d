"""Signing in with an OpenID Connect provider: authorization code with PKCE, and an ID token that is checked in full.

State, nonce and code verifier are derived from the secret of the browser that signs in, so nothing is kept meanwhile
and an answer that was meant for another browser fits nowhere.
"""

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from pantile.domain.errors import ProviderDown, SignInRefused
from pantile.settings import Settings
from pantile.web.cookies import derive

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that are taken: none that a client's own secret could make, and none at all least of all."""

_TIMEOUT_S = 10.0
_CLOCKS_APART_S = 60
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Provider(BaseModel):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person whom the provider vouches for: `subject` for good, the others for now."""

    subject: str
    name: str
    groups: tuple[str, ...]


def find_provider(settings: Settings) -> Provider:
    """The provider that the settings name; raises `ProviderDown`."""
    issuer = settings.oidc_issuer
    if urlsplit(issuer).scheme != "https" and urlsplit(issuer).hostname not in _LOOPBACK:
        raise ProviderDown(f"PANTILE_OIDC_ISSUER has to be an https address, not {issuer}")
    with _speaking() as http:
        answer = http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").raise_for_status()
        provider = Provider.model_validate_json(answer.content)
    if provider.issuer != issuer:
        raise ProviderDown(f"{issuer} calls itself {provider.issuer}")
    return provider


def authorization_address(provider: Provider, settings: Settings, *, secret: str, then: str) -> str:
    """Where a browser is sent to sign in; `then` is the page that it comes back to."""
    address: str = add_params_to_uri(
        provider.authorization_endpoint,
        {
            "response_type": "code",
            "client_id": settings.oidc_client_id,
            "redirect_uri": redirect_address(settings),
            "scope": settings.oidc_scopes,
            "state": _state(secret, then),
            "nonce": derive(secret, "nonce"),
            "code_challenge": create_s256_code_challenge(derive(secret, "verifier")),
            "code_challenge_method": "S256",
        }.items(),
    )
    return address


def redirect_address(settings: Settings) -> str:
    """Where the provider sends browsers back to; it has to be registered there."""
    web_url = settings.web_url or f"http://{settings.web_host}:{settings.web_port}"
    return f"{web_url.rstrip('/')}/auth/callback"


def page_in_state(secret: str, state: str) -> str:
    """The page that a sign-in is to end at; raises `SignInRefused` for a state that this browser was not given."""
    encoded = state.partition(".")[2]
    try:
        then = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        then = ""
    if not secret or not hmac.compare_digest(_state(secret, then).encode(), state.encode()):
        raise SignInRefused("it was begun in another browser, or too long ago")
    return then


def redeem(provider: Provider, settings: Settings, *, secret: str, code: str) -> Identity:
    """The person for whom the provider gave this code.

    Raises:
        ProviderDown: the provider does not answer, or not as it should.
        SignInRefused: it takes the code back, or its ID token does not hold.
    """
    with _speaking() as http:
        granted = _exchange(http, provider, settings, code=code, verifier=derive(secret, "verifier"))
        keys = http.get(provider.jwks_uri).raise_for_status().json()
        claims = _check(granted, keys, provider, settings, nonce=derive(secret, "nonce"))
        if provider.userinfo_endpoint and _claim(claims, settings.oidc_role_claim) is None:
            claims = _userinfo(http, provider.userinfo_endpoint, str(granted["access_token"]), claims) | claims
    name = claims.get("preferred_username") or claims.get("email") or claims.get("name") or ""
    return Identity(subject=str(claims["sub"]), name=str(name), groups=_groups(claims, settings.oidc_role_claim))


@contextmanager
def _speaking() -> Iterator[httpx.Client]:
    """A client of the provider, whose failures are `ProviderDown`."""
    mounts = dict.fromkeys(f"all://{host}" if ":" not in host else f"all://[{host}]" for host in _LOOPBACK)
    try:
        with httpx.Client(timeout=_TIMEOUT_S, mounts=mounts) as http:
            yield http
    except (httpx.HTTPError, httpx.InvalidURL, ValidationError, ValueError, KeyError) as error:
        raise ProviderDown(str(error)) from error


def _exchange(
    http: httpx.Client, provider: Provider, settings: Settings, *, code: str, verifier: str
) -> Mapping[str, Any]:
    client_id, password = settings.oidc_client_id, settings.oidc_client_secret.get_secret_value()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_address(settings),
        "code_verifier": verifier,
    }
    by_header = password and "client_secret_basic" in provider.token_endpoint_auth_methods_supported
    if not by_header:
        form |= {"client_id": client_id} | ({"client_secret": password} if password else {})
    # Both are encoded as in a form (RFC 6749, 2.3.1).
    auth = httpx.BasicAuth(quote(client_id, safe=""), quote(password, safe="")) if by_header else httpx.Auth()
    answer = http.post(provider.token_endpoint, data=form, auth=auth)
    if answer.is_client_error:
        raise SignInRefused("the provider does not take the code that it gave; sign in once more")
    granted: Mapping[str, Any] = answer.raise_for_status().json()
    return granted


def _check(
    granted: Mapping[str, Any], keys: Any, provider: Provider, settings: Settings, *, nonce: str
) -> dict[str, Any]:
    """The claims of the ID token, whose signature, issuer, audience, time and nonce hold (OpenID Connect, 3.1.3.7)."""
    wanted = {
        "iss": {"essential": True, "value": provider.issuer},
        "aud": {"essential": True, "value": settings.oidc_client_id},
    }
    known = {"nonce": nonce, "client_id": settings.oidc_client_id, "access_token": granted["access_token"]}
    try:
        token = jwt.decode(str(granted["id_token"]), KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        claims = CodeIDToken(token.claims, token.header, wanted, known)
        claims.validate(leeway=_CLOCKS_APART_S)
    except JoseError as error:
        raise SignInRefused(f"the provider's ID token does not hold ({error.description or error.error})") from error
    return dict(claims)


def _userinfo(http: httpx.Client, address: str, access_token: str, claims: Mapping[str, Any]) -> dict[str, Any]:
    answer = http.get(address, headers={"Authorization": f"Bearer {access_token}"}).raise_for_status()
    told: dict[str, Any] = answer.json()
    if told.get("sub") != claims["sub"]:
        raise SignInRefused("the provider tells of another person than its ID token")
    return told


def _state(secret: str, then: str) -> str:
    page = base64.urlsafe_b64encode(then.encode()).rstrip(b"=").decode()
    return f"{derive(secret, f'state {then}')}.{page}"


def _claim(claims: Mapping[str, Any], name: str) -> object:
    """The claim of that name; where there is none, `a.b` is `b` within `a`. Names that are addresses have dots, too."""
    found: object = claims.get(name)
    if found is None and "." in name:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _groups(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = _claim(claims, name)
    if isinstance(found, str):
        return (found,)
    return tuple(str(group) for group in found) if isinstance(found, list) else ()
