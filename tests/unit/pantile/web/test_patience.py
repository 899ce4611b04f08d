"""Clients that keep the web service waiting lose their connection; slow ones that go on do not."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from pantile.web.patience import PatientProtocol

_LONGEST_S = 60.0
_ANSWER = bytes(64 << 20)


class Hasty(PatientProtocol):
    """The same with little patience."""

    grace_s = 0.5


async def swallow(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the whole request, and answers with more than the system's buffers take where /large is asked for."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = _ANSWER if scope["path"] == "/large" else b"ok"
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for start in range(0, len(body), 1 << 16):
        await send({"type": "http.response.body", "body": body[start : start + (1 << 16)], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def port() -> Iterator[int]:
    """Where a server with little patience listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(swallow, http=Hasty, ws="none", lifespan="off", log_config=None, timeout_keep_alive=60)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        server.should_exit = True
        thread.join(20)


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side ends the connection without an answer; waits for it."""
    try:
        return connection.recv(1 << 16) == b""
    except ConnectionError:
        return True


def drip(connection: socket.socket, data: bytes) -> None:
    """Sends something now and then until the other side ends the connection, which raises, or for a minute."""
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        connection.sendall(data)
        time.sleep(0.1)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=_LONGEST_S)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Part: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_a_request_that_never_ends_loses_its_connection(port: int, sent: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(sent)

        assert is_ended(connection)


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n"]
)
def test_a_request_that_drips_loses_its_connection(port: int, head: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(head)

        with pytest.raises(ConnectionError):
            drip(connection, b"x")


def test_the_second_request_of_a_connection_has_an_end_as_well(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok"):
            answer += connection.recv(1 << 16)
        connection.sendall(b"GET / HT")

        assert is_ended(connection)


def test_a_large_request_may_take_its_time(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 327680\r\n\r\n")
        for _ in range(5):
            connection.sendall(bytes(1 << 16))
            time.sleep(0.3)

        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_takes_loses_its_connection(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")

        # It has some ten seconds, for what the server's own buffer holds.
        with pytest.raises(ConnectionError):
            drip(connection, b"\r\n")
