"""A small OpenID Connect provider on a port of its own: discovery, authorize, token, keys and userinfo.

Clients, codes and PKCE are checked by Authlib. A test says who is signed in there, and may spoil what is handed out.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "pantile"
CLIENT_SECRET = "a secret: with + and %"

Spoil = Callable[[dict[str, Any]], dict[str, Any]]
Answer = tuple[int, Any, list[tuple[str, str]]]


@dataclass(slots=True)
class Provider:
    """The provider, and what it says of the person who is signed in there."""

    issuer: str
    redirect: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "4711", "preferred_username": "Jane Doe"})
    userinfo: dict[str, Any] = field(default_factory=dict)
    spoil: Spoil = lambda claims: claims
    spoil_discovery: Spoil = lambda document: document
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    signed_by: RSAKey | None = None
    codes: dict[str, Any] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    def discovery(self) -> dict[str, Any]:
        """What the provider says of itself."""
        endpoints = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        return self.spoil_discovery(
            {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
            | {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in endpoints.items()}
        )

    def id_token(self, nonce: str | None) -> str:
        """An ID token for the person, spoilt as the test wants it."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "nonce": nonce, **self.person}
        return jwt.encode(self.header, self.spoil(claims), self.signed_by or self.key)


class _Client(SimpleNamespace):
    """The one client that is registered."""

    provider: Provider

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.provider.redirect

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, _: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class _Code(SimpleNamespace):
    """A code that was given, until it is redeemed."""

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)


class _Grant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code: str, request: Any) -> None:
        data = request.payload.data
        self.server.provider.codes[code] = _Code(
            code=code,
            redirect_uri=data["redirect_uri"],
            scope=data["scope"],
            nonce=data.get("nonce"),
            code_challenge=data.get("code_challenge"),
            code_challenge_method=data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, _: Any) -> Any:
        return self.server.provider.codes.get(code)

    def delete_authorization_code(self, authorization_code: Any) -> None:
        del self.server.provider.codes[authorization_code.code]

    def authenticate_user(self, _: Any) -> str:
        return "the person"


class _Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self.provider = provider
        self.register_grant(_Grant, [CodeChallenge(required=True)])
        self.register_token_generator("default", BearerTokenGenerator(lambda *_, **__: secrets.token_urlsafe(24)))

    def query_client(self, client_id: str) -> Any:
        return _Client(provider=self.provider) if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        token["id_token"] = self.provider.id_token(request.authorization_code.nonce)
        self.provider.tokens.add(token["access_token"])

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        return status, body, headers


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request as Authlib takes it; it believes in https only."""

    def __init__(self, method: str, path: str, form: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__(method, f"https://127.0.0.1{path}", headers=headers)
        self._query = dict(parse_qsl(urlsplit(path).query))
        self._form = form
        self.payload = BasicOAuth2Payload({**self._query, **form})

    @property
    def args(self) -> dict[str, str]:
        return self._query

    @property
    def form(self) -> dict[str, str]:
        return self._form


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    server = _Server(provider)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/authorize":
                request = _Request("GET", self.path, {}, dict(self.headers))
                grant = server.get_consent_grant(request, end_user="the person")
                self._answer(server.create_authorization_response(request, grant_user="the person", grant=grant))
            elif path == "/userinfo":
                known = self.headers.get("Authorization", "").removeprefix("Bearer ") in provider.tokens
                told = {"sub": provider.person.get("sub"), **provider.userinfo}
                self._answer((200, told, []) if known else (401, {}, []))
            else:
                documents = {
                    "/.well-known/openid-configuration": provider.discovery(),
                    "/jwks": {"keys": [provider.key.as_dict(private=False)]},
                }
                self._answer((200, documents[path], []) if path in documents else (404, {}, []))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            request = _Request("POST", self.path, dict(parse_qsl(body)), dict(self.headers))
            self._answer(server.create_token_response(request))

        def _answer(self, answer: Answer) -> None:
            status, body, headers = answer
            content = json.dumps(body).encode() if isinstance(body, dict) else str(body).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — as the class names it
            pass

    return Handler


@contextmanager
def run_provider() -> Iterator[Provider]:
    """A provider that answers while the context is open."""
    provider = Provider(issuer="")
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider)) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield provider
        server.shutdown()
