"""HTTP to addresses that a submission chose: each is checked where the connection is made, and all has an end.

A host's name is resolved once for each connection, by what opens it; so a name that first leads to an allowed address
and then to another gains nothing, and redirects are checked as any request is.
"""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from pantile.domain.sources import AllowedSources

_NO_SUCH_HOST = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAIL, socket.EAI_SERVICE})
"""How resolution says that a host does not exist, and not that the resolver is out of reach."""


class AddressRefused(Exception):
    """An address that is not asked, or not any longer; the sentence says why."""


class CheckedTransport(httpx.BaseTransport):
    """httpx's way to the network over `httpcore`, whose backend says where connections may lead and until when.

    All that goes over it, redirects included, has to be done within `longest_s` seconds. Errors come as `httpcore`
    raises them, or as `AddressRefused`. Proxies of the environment are not used, as they resolve names by themselves.
    """

    def __init__(self, allowed: AllowedSources, *, longest_s: float) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_keepalive_connections=0,  # each request finds its own way, so that none is spared the check
            network_backend=_CheckedBackend(allowed, _Clock(longest_s)),
        )

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._pool.__exit__(exc_type, exc_value, traceback)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)


class _Body(httpx.SyncByteStream):
    """An answer's body as httpx wants it."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Clock:
    """The time that is left for all that a transport does."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._end = time.monotonic() + longest_s

    @contextmanager
    def limit(self, timeout: float | None) -> Iterator[float]:
        """The seconds that the step in the block may take; raises `AddressRefused` when there are none left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self._passed()
        try:
            yield left if timeout is None else min(left, timeout)
        except httpcore.TimeoutException as error:
            if time.monotonic() < self._end:
                raise
            raise self._passed() from error

    def _passed(self) -> AddressRefused:
        return AddressRefused(f"it did not come within {self._longest_s:g} s")


class _CheckedBackend(httpcore.NetworkBackend):
    """TCP connections to allowed addresses."""

    def __init__(self, allowed: AllowedSources, clock: _Clock) -> None:
        self._allowed = allowed
        self._clock = clock
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the host's addresses that takes one; all of them have to be allowed."""
        trouble: Exception = AddressRefused(f"{host} has no address")
        for address in self._resolve(host, port):
            try:
                with self._clock.limit(timeout) as limit:
                    stream = self._sockets.connect_tcp(address, port, limit, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                return _TimedStream(stream, self._clock)
        raise trouble

    def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_HOST:
                raise AddressRefused(f"there is no host {host}") from error
            raise httpcore.ConnectError(f"{host}, {error.strerror}") from error
        except (UnicodeError, OverflowError) as error:
            raise AddressRefused("its host or port cannot be one") from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        if not all(self._allowed.admits(host, ip_address(address)) for address in addresses):
            raise AddressRefused(
                f"{host} leads to an address that is not public; PANTILE_FETCH_ALLOW names those that are allowed"
            )
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection that comes to its end, however slowly the other side goes on sending."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, up to `max_bytes`."""
        with self._clock.limit(timeout) as limit:
            return self._stream.read(max_bytes, limit)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of it."""
        with self._clock.limit(timeout) as limit:
            self._stream.write(buffer, limit)

    def close(self) -> None:
        """Ends the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection under TLS; the certificate has to be that of the host's name."""
        with self._clock.limit(timeout) as limit:
            return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, limit), self._clock)

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._stream.get_extra_info(info)
