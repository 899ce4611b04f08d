"""`pantile checkpoints import --register`: a real registry takes the segmenter, a real bucket its weights."""

from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch

from pantile.cli.app import main
from pantile.client.api import ApiClient
from pantile.coordinator.registry import checkpoint_key
from pantile.domain.segmenters import parse_card
from pantile.objects import ObjectStore


def test_an_imported_checkpoint_is_registered(
    web_url: str, api_token: str, objects: ObjectStore, tmp_path: Path
) -> None:
    network = smp.Unet("resnet18", encoder_weights=None, classes=13)
    torch.save(network, tmp_path / "lung.pth")

    arguments = [str(tmp_path / "lung.pth"), "--card", "lung", "--out", str(tmp_path), "--register", "--api", web_url]
    with pytest.raises(SystemExit) as ended:
        main(["checkpoints", "import", *arguments])

    card = parse_card((tmp_path / "lung.toml").read_text("utf-8"))
    registered = next(each for each in ApiClient(web_url, token=api_token).segmenters() if each.name == "lung")
    assert ended.value.code == 0
    assert (registered.registered, registered.encoder) == (True, "resnet18")
    assert objects.size(checkpoint_key(card.checkpoint_sha256)) == (tmp_path / "lung.safetensors").stat().st_size
