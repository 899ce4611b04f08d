"""What an ONNX file says of its network is read; what could do more than compute is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, external_data_helper, helper, load

from pantile.domain.errors import CheckpointRefused, CheckpointUnreadable, CheckpointUnsafe
from pantile.domain.onnx_files import OnnxFacts, read_onnx

Shape = Sequence[int | str]

CONV = helper.make_node("Conv", ["image", "weight"], ["logits"])
WEIGHT = helper.make_tensor("weight", TensorProto.FLOAT, [2, 3, 1, 1], [0.0] * 6)


def _value(name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def _model(
    *nodes: Any,
    image: Shape = ("patches", 3, 64, 64),
    logits: Shape = ("patches", 2, 64, 64),
    weights: Sequence[Any] = (WEIGHT,),
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    opset: int = 20,
    functions: Sequence[Any] = (),
) -> Any:
    graph = helper.make_graph(
        nodes or [CONV],
        "network",
        [_value("image", image), *inputs],
        [_value("logits", logits), *outputs],
        list(weights),
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("acme", 1)]
    return helper.make_model(graph, opset_imports=imports, functions=functions, producer_name="a hand")


def _read(model: Any) -> OnnxFacts:
    return read_onnx(model.SerializeToString())


def test_what_a_file_says_of_its_network() -> None:
    assert _read(_model()) == OnnxFacts(
        opset=20,
        producer="a hand",
        nodes=1,
        input_name="image",
        output_name="logits",
        batch_patches=None,
        patch_px=64,
        output_channels=2,
    )


def test_a_network_may_take_one_number_of_patches_of_any_size() -> None:
    facts = _read(_model(image=(4, 3, "height", "width"), logits=(4, 2, "height", "width")))

    assert (facts.batch_patches, facts.patch_px) == (4, None)


def test_weights_among_the_inputs_are_no_inputs() -> None:
    assert _read(_model(inputs=[_value("weight", (2, 3, 1, 1))])).input_name == "image"


def _branch(*nodes: Any) -> Any:
    """A node that holds others in a graph of its own."""
    inner = helper.make_graph(nodes, "inner", [], [_value("logits", ("patches", 2, 64, 64))])
    return helper.make_node("If", ["flag"], ["logits"], then_branch=inner, else_branch=inner)


ACME = helper.make_node("Conv", ["image", "weight"], ["logits"], domain="acme")
LOOP = helper.make_node("Loop", ["count", "flag"], ["logits"])


@pytest.mark.parametrize("node", [ACME, _branch(ACME), _branch(_branch(ACME))], ids=["plain", "nested", "deep"])
def test_an_operator_from_elsewhere_is_refused_wherever_it_is(node: Any) -> None:
    with pytest.raises(CheckpointUnsafe, match="the operator 'Conv' of 'acme', not ONNX's own"):
        _read(_model(node))


def _elsewhere(name: str = "weight") -> Any:
    tensor = helper.make_tensor(name, TensorProto.FLOAT, [2, 3, 1, 1], [0.0] * 6)
    tensor.raw_data = bytes(24)
    external_data_helper.set_external_data(tensor, location="../../etc/passwd")
    return tensor


@pytest.mark.parametrize(
    "model",
    [
        _model(weights=[_elsewhere()]),
        _model(helper.make_node("Constant", [], ["logits"], value=_elsewhere())),
        _model(_branch(helper.make_node("Constant", [], ["logits"], value=_elsewhere()))),
    ],
    ids=["weight", "constant", "nested constant"],
)
def test_tensors_in_other_files_are_refused_wherever_they_are(model: Any) -> None:
    with pytest.raises(CheckpointUnreadable, match="'weight' lies in another file; export it as one file"):
        _read(model)


def test_sparse_tensors_in_other_files_are_refused_too() -> None:
    model = _model()
    model.graph.sparse_initializer.add(values=_elsewhere("sparse"), indices=WEIGHT, dims=[2])

    with pytest.raises(CheckpointUnreadable, match="'sparse' lies in another file"):
        _read(model)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (_model(LOOP), "has a Loop, of which nobody can say when it ends"),
        (_model(_branch(LOOP)), "has a Loop"),
        (_model(helper.make_node("RandomNormalLike", ["image"], ["logits"])), "something else each time"),
        (_model(helper.make_node("Softmax", ["image"], ["logits"])), "ends with Softmax; export it without"),
        (_model(opset=9), "uses opset 9; export it with opset 11 or newer"),
        (_model(inputs=[_value("mask", (1, 1, 64, 64))]), "takes 2 inputs, not one image"),
        (_model(outputs=[_value("deep", (1, 2, 32, 32))]), "gives 2 outputs, not one; turn deep supervision off"),
        (_model(image=("patches", 1, 64, 64)), r"takes \(any, 1, 64, 64\), not \(patches, 3, height, width\)"),
        (_model(image=("patches", 3, 64, 96)), "of squares"),
        (_model(image=(65, 3, 64, 64)), "takes 65 patches at once, more than 64"),
        (_model(image=(1, 3, 64, 64, 64)), "takes something else than float32 in four dimensions"),
        (_model(logits=("patches", 64, 64)), "gives something else than float32 in four dimensions"),
        (_model(logits=("patches", "classes", 64, 64)), "does not say how many output channels"),
        (
            _model(functions=[helper.make_function("acme", "F", [], ["y"], [CONV], [helper.make_opsetid("", 20)])]),
            "functions of its own",
        ),
    ],
)
def test_what_is_no_network_from_patches_to_logits_is_refused(model: Any, sentence: str) -> None:
    with pytest.raises(CheckpointRefused, match=sentence):
        _read(model)


def test_float16_is_refused() -> None:
    model = _model()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16

    with pytest.raises(CheckpointRefused, match="takes something else than float32"):
        _read(model)


def test_a_part_for_training_is_refused() -> None:
    model = _model()
    model.training_info.add().algorithm.CopyFrom(model.graph)

    with pytest.raises(CheckpointRefused, match="a part for training"):
        _read(model)


@pytest.mark.parametrize(
    "content",
    [b"", b"pickle", b"PK\x03\x04", b"\x08\x0a", b"\x80\x02}q\x00.", b"\x08" + b"\xff" * 40],
)
def test_what_is_no_onnx_file_is_refused(content: bytes) -> None:
    with pytest.raises(CheckpointUnreadable, match="it is no ONNX file"):
        read_onnx(content)


def _cut(content: bytes, place: int) -> bytes:
    return content[:place]


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


@pytest.mark.parametrize("damage", [_cut, _flip])
def test_damage_anywhere_is_refused_or_harmless(damage: Callable[[bytes, int], bytes], tmp_path: Path) -> None:
    content = _model(_branch(CONV)).SerializeToString()
    (tmp_path / "whole.onnx").write_bytes(content)
    assert len(load(tmp_path / "whole.onnx").graph.node) == 1

    refused = 0
    for place in range(len(content)):
        try:
            read_onnx(damage(content, place))
        except CheckpointRefused:
            refused += 1

    assert refused > len(content) / 4
