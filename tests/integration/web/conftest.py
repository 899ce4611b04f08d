"""A client of the web service over real servers, and segmenters registered through it."""

import hashlib
import json
import struct
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from pantile.settings import Settings
from pantile.web.app import create_app

CLASSES = """
[[classes]]
index = {index}
name = "class {index}"
group = "other"
simplified_rgb = [0, 0, 0]
detailed_rgb = [0, 0, 0]
"""


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the API; errors of the service come as answers."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def _card(name: str, *, channels: int, version: str = "1", checkpoint_sha256: str = "") -> str:
    """A card in TOML with that many classes."""
    return (
        f'name = "{name}"\nversion = "{version}"\narchitecture = "UnetPlusPlus"\nencoder = "timm-efficientnet-b0"\n'
        f'output_channels = {channels}\nmodel_mpp = 1.0\npatch_px = 512\nlicence = "CC0"\n'
        f'[checkpoint]\nsha256 = "{checkpoint_sha256}"\n'
        + "".join(CLASSES.format(index=index) for index in range(channels))
    )


def _checkpoint(*, channels: int, seed: int = 0) -> bytes:
    """A safetensors file with nothing but a segmentation head, after the format's own description."""
    weight = np.random.default_rng(seed).normal(size=(channels, 16, 3, 3)).astype("<f4")
    header = {
        "segmentation_head.0.weight": {
            "dtype": "F32",
            "shape": list(weight.shape),
            "data_offsets": [0, weight.nbytes],
        }
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + weight.tobytes()


@pytest.fixture
def write_card() -> Callable[..., str]:
    """Writes a card in TOML: `write_card(name, channels=2, version="1", checkpoint_sha256="")`."""
    return _card


@pytest.fixture
def write_checkpoint() -> Callable[..., bytes]:
    """Writes a checkpoint: `write_checkpoint(channels=2, seed=0)`."""
    return _checkpoint


PutCheckpoint = Callable[[bytes], str]


@pytest.fixture
def put_checkpoint(client: TestClient) -> PutCheckpoint:
    """Uploads a checkpoint as a client would, and gives its digest."""

    def put(content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        answer = client.post("/v1/checkpoints", json={"sha256": sha256, "bytes": max(1, len(content))})
        httpx.put(answer.json()["url"], content=content).raise_for_status()
        return sha256

    return put


@pytest.fixture
def lung(client: TestClient, put_checkpoint: PutCheckpoint) -> str:
    """A registered segmenter named lung."""
    sha256 = put_checkpoint(_checkpoint(channels=2))
    card = _card("lung", channels=2)
    assert client.post("/v1/segmenters", json={"card": card, "checkpoint_sha256": sha256}).status_code == 201
    return "lung"
