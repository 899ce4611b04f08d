"""TCP proxies that stand before the servers and do to connections what networks and overloaded servers do."""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_METHODS = (b"GET ", b"PUT ", b"HEAD ", b"POST ", b"DELETE ")
_UNAVAILABLE = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Mode(StrEnum):
    """What a proxy does with connections."""

    PASS = "pass"
    DOWN = "down"
    """Those that are open are reset, and so is every new one."""
    SILENT = "silent"
    """Nothing comes through and nothing is closed, as when a cable is pulled."""
    ERRORS = "errors"
    """A share of the HTTP requests is answered with 500 or 503, and not passed on."""
    CUT = "cut"
    """A share of the uploads is reset in the middle of the body."""


class Proxy:
    """A listening port of this machine, and the server behind it."""

    def __init__(self, find_port: Callable[[], int], *, share: float = 0.2, seed: int = 0) -> None:
        self.mode = Mode.PASS
        self.meddled = 0
        self._find_port = find_port
        self._share = share
        self._random = random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._speaks = self._run(_new_event())
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def set(self, mode: Mode) -> None:
        """From now on does that with all connections."""
        self._run(self._set(mode))

    def is_asked(self) -> bool:
        """Whether something is connected."""
        return bool(self._open)

    def close(self) -> None:
        """Resets what is open and listens no more."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, ask: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(ask, self._loop).result(10)

    async def _set(self, mode: Mode) -> None:
        self.mode = mode
        if mode is Mode.SILENT:
            self._speaks.clear()
        else:
            self._speaks.set()
        if mode is Mode.DOWN:
            for writer in self._open:
                writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        await self._set(Mode.DOWN)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        if self.mode is Mode.DOWN:
            to_client.transport.abort()
            return
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._find_port())
        except OSError:
            to_client.transport.abort()
            return
        ends = {to_client, to_server}
        self._open |= ends
        pumps = [
            asyncio.ensure_future(self._up(client, to_server, to_client)),
            asyncio.ensure_future(self._down(server, to_client)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in ends:
                end.close()
            self._open -= ends

    async def _down(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        while chunk := await server.read(65536):
            await self._speaks.wait()
            to_client.write(chunk)
            await to_client.drain()

    async def _up(
        self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, to_client: asyncio.StreamWriter
    ) -> None:
        cuts_body = False
        while chunk := await client.read(65536):
            await self._speaks.wait()
            head, separator, body = chunk.partition(b"\r\n\r\n") if chunk.startswith(_METHODS) else (b"", b"", chunk)
            if head and self.mode is Mode.ERRORS and self._is_chosen():
                to_client.write(self._random.choice((_UNAVAILABLE, _BROKEN)))
                await to_client.drain()
                return
            cuts_body = cuts_body or (self.mode is Mode.CUT and head.startswith(b"PUT ") and self._is_chosen())
            if cuts_body and body:
                to_server.write(head + separator + body[: len(body) // 2])
                await to_server.drain()
                to_server.transport.abort()
                to_client.transport.abort()
                return
            to_server.write(chunk)
            await to_server.drain()

    def _is_chosen(self) -> bool:
        chosen = self._random.random() < self._share
        self.meddled += chosen
        return chosen


async def _new_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
