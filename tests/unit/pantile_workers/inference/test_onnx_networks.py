"""An ONNX file runs as the torch network did that it was exported from, or says in a sentence why it does not."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import segmentation_models_pytorch as smp
import torch
from onnx import TensorProto, helper
from torch import nn

from pantile.domain.errors import SegmenterBroken
from pantile.domain.segmenters import Card, CardFormat, EngineSettings, Precision
from pantile_workers.inference.checkpoints import load_network
from pantile_workers.inference.engine import Engine
from pantile_workers.inference.loaded import LoadedSegmenter

MakeCard = Callable[..., Card]

SETTINGS = EngineSettings(stride_px=48, margin_px=8)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the exporter that needs no further package

# Seen 1e-6 of logits around 1: other kernels add up in another order.
TOLERANCE = 1e-5


class _Plain(nn.Sequential):
    """A small network of torch's own layers."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(8, 4, 1),
        )


def _unet() -> nn.Module:
    network: nn.Module = smp.Unet("resnet18", encoder_weights=None, classes=4, decoder_channels=(32, 16, 16, 8, 8))
    return network


def _export(network: nn.Module, path: Path, *, batch: int | None = None) -> Path:
    """Writes the network for 64 px, with a fixed number of patches or for any."""
    axes = {} if batch else {"image": {0: "patches"}, "logits": {0: "patches"}}
    torch.onnx.export(
        network,
        (torch.rand(batch or 1, 3, 64, 64),),
        path,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes=axes,
        dynamo=False,
    )
    return path


@pytest.fixture(scope="module", params=[_unet, _Plain], ids=["smp", "plain"])
def network(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    built: nn.Module = request.param()
    return built.eval()


@pytest.fixture(scope="module")
def exported(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _export(network, tmp_path_factory.mktemp("onnx") / "network.onnx")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(device="cpu", batch_patches=4, torch_threads=1) as running:
        yield running


@pytest.fixture
def card(make_card: MakeCard) -> Card:
    return make_card(format=CardFormat.ONNX, architecture="of ours", encoder="")


def test_the_class_map_is_that_of_the_torch_network(
    engine: Engine, network: nn.Module, exported: Path, card: Card
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (150, 205, 3), dtype=np.uint8)
    image[40:90, 60:120] = (150, 60, 140)
    roi = engine.place(image)

    named = replace(card, checkpoint_sha256=hashlib.sha256(exported.read_bytes()).hexdigest())
    ours = engine.segment(roi, engine.load(named, lambda: exported), SETTINGS)
    theirs = engine.segment(roi, LoadedSegmenter(card=card, digest="0" * 64, network=network), SETTINGS)

    # As for batches: a tie may fall the other way.
    assert (ours.class_map == theirs.class_map).mean() > 0.999
    assert len(np.unique(theirs.class_map)) > 1


def test_the_logits_are_those_of_the_torch_network_in_any_layout(
    network: nn.Module, exported: Path, card: Card
) -> None:
    patches = torch.rand(3, 3, 64, 64)
    loaded = load_network(card, exported)

    with torch.inference_mode():
        expected = network(patches)
        given = [loaded(patches), loaded(patches.to(memory_format=torch.channels_last))]

    for logits in given:
        torch.testing.assert_close(logits, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("patches", [1, 2, 3, 5])
def test_a_network_of_a_fixed_number_of_patches_takes_any_number(patches: int, card: Card, tmp_path: Path) -> None:
    network = _Plain().eval()
    loaded = load_network(card, _export(network, tmp_path / "network.onnx", batch=2))
    given = torch.rand(patches, 3, 64, 64)

    with torch.inference_mode():
        torch.testing.assert_close(loaded(given), network(given), atol=TOLERANCE, rtol=0)


def test_mixed_precision_leaves_it_as_it_is(engine: Engine, exported: Path, card: Card) -> None:
    roi = engine.place(np.full((70, 70, 3), 200, dtype=np.uint8))
    segmenter = engine.load(card, lambda: exported)
    mixed = EngineSettings(stride_px=48, margin_px=8, precision=Precision.MIXED)

    assert engine.segment(roi, segmenter, mixed).arithmetic == "float32"


def _save(path: Path, *nodes: Any, weights: tuple[Any, ...] = (), classes: int = 4, opset: int = 20) -> Path:
    """Writes a network from `image` to `logits`, and lies about its channels where the nodes give others."""
    ends = [("image", 3), ("logits", classes)]
    given, asked = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["patches", channels, 64, 64]) for name, channels in ends
    )
    graph = helper.make_graph(nodes, "network", [given], [asked], list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


RELU = helper.make_node("Relu", ["image"], ["logits"])


@pytest.mark.parametrize(
    ("node", "opset", "sentence"),
    [
        (helper.make_node("Fizz", ["image"], ["logits"]), 20, "onnxruntime refuses it .*Fizz"),
        (RELU, 999, "onnxruntime refuses it .* till opset"),
        (helper.make_node("Relu", ["nothing"], ["logits"]), 20, "onnxruntime refuses it"),
    ],
)
def test_what_onnxruntime_refuses_is_refused_in_a_sentence(
    node: Any, opset: int, sentence: str, card: Card, tmp_path: Path
) -> None:
    path = _save(tmp_path / "network.onnx", node, opset=opset)

    with pytest.raises(SegmenterBroken, match=sentence):
        load_network(card, path)


def test_a_network_that_gives_another_shape_than_it_says_is_broken(card: Card, tmp_path: Path) -> None:
    loaded = load_network(card, _save(tmp_path / "network.onnx", RELU))

    with pytest.raises(SegmenterBroken, match="onnxruntime cannot run it"):
        loaded(torch.rand(1, 3, 64, 64))


def test_memory_that_does_not_suffice_is_told_as_torch_tells_it(card: Card, tmp_path: Path) -> None:
    # The number of values is read from the image, so that nothing can be worked out before it runs.
    weights = (
        helper.make_tensor("first", TensorProto.INT64, [1], [0]),
        helper.make_tensor("many", TensorProto.INT64, [1], [1 << 45]),
    )
    nodes = (
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["patches"]),
        helper.make_node("Mul", ["patches", "many"], ["values"]),
        helper.make_node("ConstantOfShape", ["values"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        helper.make_node("Add", ["image", "sum"], ["logits"]),
    )
    loaded = load_network(card, _save(tmp_path / "network.onnx", *nodes, weights=weights))

    with pytest.raises(torch.OutOfMemoryError):
        loaded(torch.rand(1, 3, 64, 64))


def test_a_file_that_wants_another_file_is_never_given_to_onnxruntime(card: Card, tmp_path: Path) -> None:
    path = _export(_Plain().eval(), tmp_path / "network.onnx")
    onnx.save(onnx.load(path), path, save_as_external_data=True, size_threshold=0, location="weights.bin")

    with pytest.raises(SegmenterBroken, match="lies in another file"):
        load_network(card, path)


def test_the_format_of_onnxruntimes_own_is_not_taken_for_onnx(card: Card, exported: Path, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "network.ort")
    onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])

    with pytest.raises(SegmenterBroken, match="no ONNX file"):
        load_network(card, tmp_path / "network.ort")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [({"classes": 5}, "the card needs 4 classes"), ({"patch_px": 96}, "takes patches of 64 px only, the card says 96")],
)
def test_a_card_of_another_network_is_refused(
    fields: dict[str, Any], sentence: str, make_card: MakeCard, exported: Path
) -> None:
    with pytest.raises(SegmenterBroken, match=sentence):
        load_network(make_card(format=CardFormat.ONNX, **fields), exported)


def test_a_missing_file_is_refused(card: Card, tmp_path: Path) -> None:
    with pytest.raises(SegmenterBroken, match="No such file"):
        load_network(card, tmp_path / "absent.onnx")


def test_it_computes_with_as_many_threads_as_torch(exported: Path, card: Card) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        loaded = load_network(card, exported)
    finally:
        torch.set_num_threads(before)

    session: onnxruntime.InferenceSession = loaded._session  # type: ignore[attr-defined]  # the one way to ask it
    assert session.get_session_options().intra_op_num_threads == 1
