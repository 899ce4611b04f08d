"""The small training, on one thread."""

from collections.abc import Iterator

import pytest
import torch

from tests.small_training import document, make_training, tissue_folder

__all__ = ["document", "make_training", "tissue_folder"]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks lose more than they gain by threads that wait for one another on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
