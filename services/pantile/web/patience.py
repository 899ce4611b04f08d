"""Patience with slow clients has an end: a request not sent, or an answer not taken, costs them their connection.

uvicorn waits for ever for the rest of a request. Its handlers are not kept busy by that, as they begin when the head is
there and have their thread when the body is; but each connection takes an open file and some memory.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

GRACE_S = 20.0
"""How long a client may keep a request or an answer waiting, beyond the time that its bytes have at the least rate."""

LEAST_BYTES_PER_S = 8 << 10
"""The least rate of requests and answers, below what any line that people use carries."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 whose connections end when the client keeps it waiting for too long."""

    grace_s = GRACE_S

    _awaited: asyncio.TimerHandle | None = None
    _deadline = 0.0
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Takes what has come, which buys time for the rest."""
        super().data_received(data)
        self._deadline += len(data) / LEAST_BYTES_PER_S
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the clocks."""
        super().connection_lost(exc)
        self._stop_waiting()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Gives the client its time to take what waits for it."""
        super().pause_writing()
        patience_s = self.grace_s + self.transport.get_write_buffer_size() / LEAST_BYTES_PER_S
        self._writing = self.loop.call_later(patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Goes on, as the client has taken most of it."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _watch(self) -> None:
        """Starts the clock where the rest of a request is awaited, and stops it where none is."""
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop_waiting()
        elif self._awaited is None:
            self._deadline = self.loop.time() + self.grace_s
            self._awaited = self.loop.call_at(self._deadline, self._end)

    def _stop_waiting(self) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def _end(self) -> None:
        """Ends the connection, unless bytes have bought more time, or it is the handler that does not read on."""
        if self.flow.read_paused:
            self._deadline = self.loop.time() + self.grace_s
        if self._deadline > self.loop.time():
            self._awaited = self.loop.call_at(self._deadline, self._end)
        else:
            self.transport.abort()
