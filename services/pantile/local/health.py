"""Whether a service answers, asked in its own protocol: one address says both what to ask and whom."""

import http.client
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

_TIMEOUT_S = 2.0


def answers(probe: str) -> bool:
    """Whether the service behind a `postgresql:`, `redis:`, `s3:`, `http:` or `file:` address is well."""
    parts = urlsplit(probe)
    try:
        return _ASK[parts.scheme](parts)
    except (OSError, http.client.HTTPException):
        return False


def _ask_postgres(parts: SplitResult) -> bool:
    """PostgreSQL asks for the password ('R') once it takes connections, and sends an error ('E') before."""
    names = f"user\0{parts.username}\0database\0{parts.path[1:]}\0\0".encode()
    message = struct.pack("!ii", len(names) + 8, 3 << 16) + names
    with _connect(parts) as connection:
        connection.sendall(message)
        return connection.recv(1) == b"R"


def _ask_redis(parts: SplitResult) -> bool:
    with _connect(parts) as connection, connection.makefile("rb") as replies:
        connection.sendall(f"AUTH {parts.password}\r\nPING\r\n".encode())
        return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]


def _ask_http(parts: SplitResult) -> bool:
    return _http_status(parts) < http.HTTPStatus.MULTIPLE_CHOICES


def _ask_s3(parts: SplitResult) -> bool:
    """A refusal for want of a key is an answer too: rclone says 400 to strangers."""
    return _http_status(parts) < http.HTTPStatus.INTERNAL_SERVER_ERROR


def _http_status(parts: SplitResult) -> int:
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    finally:
        connection.close()


def _ask_file(parts: SplitResult) -> bool:
    return Path(unquote(parts.path)).exists()


def _connect(parts: SplitResult) -> socket.socket:
    return socket.create_connection((parts.hostname, parts.port or 0), timeout=_TIMEOUT_S)


_ASK: dict[str, Callable[[SplitResult], bool]] = {
    "postgresql": _ask_postgres,
    "redis": _ask_redis,
    "http": _ask_http,
    "s3": _ask_s3,
    "file": _ask_file,
}
