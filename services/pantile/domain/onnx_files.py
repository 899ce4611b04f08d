"""ONNX files: what one says of the network in it, and that it can do nothing but compute.

Read with a reader of our own before onnxruntime sees them, so that the web service needs no library for it and a worker
opens no file that it was not given. Field numbers are those of onnx/onnx.proto3, by the message that has them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pantile.domain.errors import CheckpointRefused, CheckpointUnreadable, CheckpointUnsafe
from pantile.domain.protobuf import FieldBudget, Message, MessageDamaged, read_message

MAX_BYTES = 2**31 - 1
"""What a file of protobuf may have at most."""

LEAST_OPSET = 11
"""The first whose Resize says where pixels lie; onnxruntime itself knows which is the newest it can run."""

MOST_AT_ONCE = 64
"""Patches that a network may ask for at once: with fewer at hand it is given blank ones beside them."""

_MAX_FIELDS = 2_000_000
"""UNet++ with efficientnet-b1 has 21,000, as weights are one field a tensor."""

_MODEL_PRODUCER, _MODEL_VERSION, _MODEL_GRAPH, _MODEL_OPSETS = 2, 3, 7, 8
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_GRAPH_NODES, _GRAPH_TENSORS, _GRAPH_INPUTS, _GRAPH_OUTPUTS, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_OUTPUTS, _NODE_OPERATOR, _NODE_ATTRIBUTES, _NODE_DOMAIN = 2, 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_NAME, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 8, 13, 14
_SPARSE_PARTS = (1, 2)
_VALUE_NAME, _VALUE_TYPE, _TYPE_TENSOR, _TENSOR_TYPE, _TENSOR_SHAPE = 1, 2, 1, 1, 2
_SHAPE_DIMENSIONS, _DIMENSION_VALUE = 1, 1
_FLOAT32 = 1

_NEEDLESS = {
    20: "a part for training; export it for inference",
    25: "functions of its own, which may unfold without end; inline them with onnx.inliner.inline_local_functions",
}
"""Further fields of a model that no network needs, and what to do about them."""

_STANDARD = {"", "ai.onnx"}
_ENDLESS = {"Loop", "Scan", "SequenceMap"}
_RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
_ACTIVATIONS = {"Hardmax", "Sigmoid", "Softmax"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxFacts:
    """What an ONNX file says of its network: one float32 image in, the logits of `output_channels` classes out.

    `batch_patches` is the number of patches that it takes at once and `patch_px` the side of them, each None where it
    takes any. `producer` is the program that wrote the file, with its version.
    """

    opset: int
    producer: str
    nodes: int
    input_name: str
    output_name: str
    batch_patches: int | None
    patch_px: int | None
    output_channels: int


def read_onnx(content: bytes | memoryview) -> OnnxFacts:
    """The facts of an ONNX file.

    Raises:
        CheckpointUnreadable: it is damaged, no ONNX file, or only a part of one.
        CheckpointUnsafe: it wants operators from elsewhere.
        CheckpointRefused: it is no network from patches to logits, may compute for ever, or gives something else each
            time.
    """
    try:
        model = read_message(memoryview(content), FieldBudget(left=_MAX_FIELDS))
        graph = model.message(_MODEL_GRAPH)
        opset = _opset(model)
        if not opset or _GRAPH_NODES not in graph.contents:
            raise CheckpointUnreadable("it is no ONNX file")
        for key, what in _NEEDLESS.items():
            if key in model.contents:
                raise CheckpointRefused(f"the file has {what}")
        nodes, tensors = _parts(graph)
        for tensor in tensors:
            _check_tensor(tensor)
        for node in nodes:
            _check_operator(node)
        return _facts(model, graph, opset=opset, nodes=len(nodes))
    except MessageDamaged as error:
        raise CheckpointUnreadable(f"it is no ONNX file, or a damaged one: {error}") from error


def _opset(model: Message) -> int:
    versions = [
        each.number(_OPSET_VERSION) for each in model.messages(_MODEL_OPSETS) if each.text(_OPSET_DOMAIN) in _STANDARD
    ]
    if versions and min(versions) < LEAST_OPSET:
        raise CheckpointRefused(f"the file uses opset {min(versions)}; export it with opset {LEAST_OPSET} or newer")
    return max(versions, default=0)


def _parts(graph: Message) -> tuple[list[Message], list[Message]]:
    """All nodes and tensors of a graph, wherever they are nested in it."""
    nodes: list[Message] = []
    tensors: list[Message] = []
    graphs, attributes, looked_at = [graph], list[Message](), 0
    while graphs or attributes or looked_at < len(nodes):
        if graphs:
            part = graphs.pop()
            nodes += part.messages(_GRAPH_NODES)
            tensors += _tensors(part, (_GRAPH_TENSORS,), (_GRAPH_SPARSE,))
        elif attributes:
            attribute = attributes.pop()
            tensors += _tensors(attribute, _ATTRIBUTE_TENSORS, _ATTRIBUTE_SPARSE)
            graphs += [inner for key in _ATTRIBUTE_GRAPHS for inner in attribute.messages(key)]
        else:
            attributes += nodes[looked_at].messages(_NODE_ATTRIBUTES)
            looked_at += 1
    return nodes, tensors


def _tensors(part: Message, dense: tuple[int, ...], sparse: tuple[int, ...]) -> Iterator[Message]:
    for key in dense:
        yield from part.messages(key)
    for key in sparse:
        for each in part.messages(key):
            for half in _SPARSE_PARTS:
                yield from each.messages(half)


def _check_tensor(tensor: Message) -> None:
    if tensor.number(_TENSOR_LOCATION) or _TENSOR_EXTERNAL in tensor.contents:
        raise CheckpointUnreadable(
            f"its tensor {ascii(tensor.text(_TENSOR_NAME))[:60]} lies in another file; export it as one file "
            "(external_data=False)"
        )


def _check_operator(node: Message) -> None:
    domain, operator = node.text(_NODE_DOMAIN), node.text(_NODE_OPERATOR)
    if domain not in _STANDARD:
        raise CheckpointUnsafe(f"it needs the operator {ascii(operator)[:60]} of {ascii(domain)[:60]}, not ONNX's own")
    if operator in _ENDLESS:
        raise CheckpointRefused(f"the network has a {operator}, of which nobody can say when it ends")
    if operator in _RANDOM:
        raise CheckpointRefused(f"the network has a {operator}, and gives something else each time")


def _facts(model: Message, graph: Message, *, opset: int, nodes: int) -> OnnxFacts:
    input_name, image = _image(graph)
    output_name, logits = _logits(graph)
    batch, channels, height, width = image
    if channels != 3 or height != width:
        raise CheckpointRefused(f"the network takes {_shown(image)}, not (patches, 3, height, width) of squares")
    if batch is not None and batch > MOST_AT_ONCE:
        raise CheckpointRefused(f"the network takes {batch} patches at once, more than {MOST_AT_ONCE}; export it anew")
    if logits[1] is None:
        raise CheckpointRefused("the file does not say how many output channels the network has; export it anew")
    _check_end(graph, output_name)
    return OnnxFacts(
        opset=opset,
        producer=" ".join(part for part in (model.text(_MODEL_PRODUCER), model.text(_MODEL_VERSION)) if part)[:60],
        nodes=nodes,
        input_name=input_name,
        output_name=output_name,
        batch_patches=batch,
        patch_px=height,
        output_channels=logits[1],
    )


Shape = tuple[int | None, ...]
"""Lengths of four dimensions, None for any."""


def _image(graph: Message) -> tuple[str, Shape]:
    # Older files list the weights among the inputs as well.
    weights = {tensor.text(_TENSOR_NAME) for tensor in graph.messages(_GRAPH_TENSORS)}
    inputs = [each for each in graph.messages(_GRAPH_INPUTS) if each.text(_VALUE_NAME) not in weights]
    if len(inputs) != 1:
        raise CheckpointRefused(f"the network takes {len(inputs)} inputs, not one image")
    return inputs[0].text(_VALUE_NAME), _shape(inputs[0], "takes")


def _logits(graph: Message) -> tuple[str, Shape]:
    outputs = list(graph.messages(_GRAPH_OUTPUTS))
    if len(outputs) != 1:
        raise CheckpointRefused(f"the network gives {len(outputs)} outputs, not one; turn deep supervision off")
    return outputs[0].text(_VALUE_NAME), _shape(outputs[0], "gives")


def _shape(value: Message, verb: str) -> Shape:
    tensor = value.message(_VALUE_TYPE).message(_TYPE_TENSOR)
    dimensions = list(tensor.message(_TENSOR_SHAPE).messages(_SHAPE_DIMENSIONS))
    if tensor.number(_TENSOR_TYPE) != _FLOAT32 or len(dimensions) != 4:
        raise CheckpointRefused(f"the network {verb} something else than float32 in four dimensions")
    return tuple(each.number(_DIMENSION_VALUE) or None for each in dimensions)


def _check_end(graph: Message, output_name: str) -> None:
    last = [node for node in graph.messages(_GRAPH_NODES) if output_name in node.texts(_NODE_OUTPUTS)]
    for operator in {node.text(_NODE_OPERATOR) for node in last} & _ACTIVATIONS:
        raise CheckpointRefused(f"the network ends with {operator}; export it without, as logits are needed")


def _shown(shape: Shape) -> str:
    return f"({', '.join('any' if length is None else str(length) for length in shape)})"
