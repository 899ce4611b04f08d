"""Connections over HTTP, made in one way for the web service and for the bucket's presigned addresses."""

import httpx

from pantile import __version__

_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


def open_http(*, timeout_s: float, connections: int = 4, base_url: str = "", token: str = "") -> httpx.Client:
    """A pool of connections. Servers on this machine are reached directly, whatever HTTP_PROXY says.

    An API token goes along with every request; a pool that speaks to presigned addresses has none.
    """
    return httpx.Client(
        base_url=base_url,
        timeout=httpx.Timeout(timeout_s, connect=5.0, pool=None),
        limits=httpx.Limits(max_connections=connections),
        headers={"User-Agent": f"pantile/{__version__}"} | ({"Authorization": f"Bearer {token}"} if token else {}),
        mounts=dict.fromkeys(_LOOPBACK),
    )


def reason(error: httpx.HTTPError) -> str:
    """What went wrong, in a few words; httpx leaves some of its errors without any."""
    return str(error).rstrip(".") or type(error).__name__
