"""The web service's process: uvicorn with our logs, stopping within seconds even while progress is being streamed."""

import resource
from types import FrameType

import uvicorn
from fastapi import FastAPI

from pantile.logs import configure_logs, log
from pantile.metrics import serve_metrics
from pantile.settings import Settings
from pantile.web.app import create_app
from pantile.web.patience import PatientProtocol

_PATIENCE_S = 10
"""How long requests under way may take once the service is told to stop."""

_OPEN_FILES = 16_384
"""Each connection is an open file. Systems let a process have 1,024 of them, and more if it asks."""


class _Server(uvicorn.Server):
    """uvicorn that tells open progress streams to end; it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.is_stopping = True
        super().handle_exit(sig, frame)


def server_config(settings: Settings, app: FastAPI) -> uvicorn.Config:
    """How uvicorn is to serve; what a client says of its own address counts only where a trusted proxy passes it on."""
    return uvicorn.Config(
        app,
        host=settings.web_host,
        port=settings.web_port,
        log_config=None,
        access_log=False,
        http=PatientProtocol,
        ws="none",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=_PATIENCE_S,
    )


def run(settings: Settings) -> None:
    """Serves the API and the pages at the host and port of the settings until told to stop."""
    configure_logs(settings)
    serve_metrics(settings, service="web")
    _allow_many_connections()
    app = create_app(settings)
    log.info("web service starting", host=settings.web_host, port=settings.web_port)
    _Server(server_config(settings, app), app).run()


def _allow_many_connections() -> None:
    allowed, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if highest == resource.RLIM_INFINITY else min(_OPEN_FILES, highest)
    if allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, highest))
