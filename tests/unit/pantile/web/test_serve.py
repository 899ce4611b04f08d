import anyio
import pytest
from fastapi import FastAPI, Request
from starlette.types import Message, Scope

from pantile.settings import Settings
from pantile.web.serve import server_config


@pytest.mark.parametrize(
    ("trusted", "seen"), [("", "127.0.0.1"), ("10.0.0.1", "127.0.0.1"), ("10.0.0.1,127.0.0.1", "192.0.2.7")]
)
def test_only_a_trusted_proxy_says_where_a_client_is(trusted: str, seen: str) -> None:
    app = FastAPI()
    addresses: list[str] = []

    @app.get("/")
    def note(request: Request) -> None:
        addresses.append(request.client.host if request.client else "")

    config = server_config(Settings(trusted_proxies=trusted), app)
    config.load()
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"x-forwarded-for", b"192.0.2.7")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8800),
        "scheme": "http",
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        pass

    anyio.run(config.loaded_app, scope, receive, send)

    assert addresses == [seen]
