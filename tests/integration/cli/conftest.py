"""A web service that keeps its log to itself."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def quiet_service() -> Iterator[None]:
    """The web service shares the test's process, and would write its log between a command's lines."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)
