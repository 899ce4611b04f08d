"""Structured logs: one event a line, a fixed phrase with fields, for people or for machines."""

import logging
import sys

import structlog

from pantile.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger("pantile")
"""The logger of everything in Pantile."""


def configure_logs(settings: Settings) -> None:
    """Sends our events, and those of the libraries, to standard error in the format that the settings name."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        # With rich, it would print all variables beside a traceback: images, and secrets.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("botocore", "boto3", "urllib3", "s3transfer", "httpx", "httpcore", "alembic", "PIL"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
