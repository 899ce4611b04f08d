"""Clients that send slowly, or nothing, keep no other waiting, and are gone in the end."""

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from pantile.settings import Settings
from pantile.web.app import HANDLER_THREADS, create_app
from pantile.web.patience import PatientProtocol
from pantile.web.serve import server_config

SLOW = 300
LOGIN = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


class Hasty(PatientProtocol):
    """As patient as it takes to look at a slow client that has come first when all others have come."""

    grace_s = 8.0


@pytest.fixture
def port(settings: Settings) -> Iterator[int]:
    """Where the web service listens, with little patience but otherwise as it is run."""
    config = server_config(settings, create_app(settings))
    config.http = Hasty
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(SLOW)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        server.should_exit = True
        thread.join(20)


@pytest.mark.parametrize(
    "sent", [b"GET /v1/cohorts HTTP/1.1\r\nX-Part: ", LOGIN + b"Content-Length: 500\r\n\r\nname=jane&password="]
)
def test_hundreds_of_slow_clients_keep_nobody_waiting_and_are_gone_in_the_end(
    port: int, api_token: str, sent: bytes
) -> None:
    assert SLOW > HANDLER_THREADS
    slow = [socket.create_connection(("127.0.0.1", port), timeout=120) for _ in range(SLOW)]
    for connection in slow:
        connection.sendall(sent)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {api_token}"}, timeout=60
    )

    answers = [client.get("/v1/cohorts").status_code for _ in range(20)]

    assert answers == [200] * 20
    assert [is_ended(connection) for connection in slow] == [True] * SLOW


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side ends the connection without an answer; waits for it."""
    with connection:
        try:
            return connection.recv(1 << 16) == b""
        except ConnectionError:
            return True
