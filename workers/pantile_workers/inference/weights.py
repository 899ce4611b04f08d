"""Weights: a network's tensors by name, out of a whole-model pickle, a state dict or a safetensors file."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pantile.domain.errors import CheckpointRefused, CheckpointUnreadable, FileRefused
from pantile_workers.inference.archives import Archive, open_archive
from pantile_workers.inference.names import Name
from pantile_workers.inference.pickles import Inert

HEAD = "segmentation_head.0.weight"
"""The tensor that every network of segmentation-models-pytorch ends with: (output channels, …)."""

_NESTED_UNDER = ("state_dict", "model_state_dict", "model", "network", "net", "ema", "module", "weights")
_NETWORK_PARTS = {"encoder", "decoder", "segmentation_head"}
_MAX_PARTS = 100_000
_MAX_DEPTH = 100
"""Limits to a walk through modules: one within itself would never end. Real ones have some 1,000 parts, 8 deep."""

_REBUILD = ("_rebuild_tensor_v2", "_rebuild_tensor")
_WRAPPERS = ("_rebuild_parameter", "_rebuild_parameter_with_state")
"""Functions of torch._utils that make a tensor, and those that wrap one, their first argument."""

_SAME_WINNER = frozenset({"ArgMax", "Identity", "LogSoftmax", "Sigmoid", "Softmax", "Softmax2d", "Tanh"})
"""Activations that leave the class with the largest value the largest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """A network's tensors under the names of its `state_dict`, and what else its file tells.

    `network` is the class of a whole model and `model_name` smp's own name of it ("unetplusplus-efficientnet-b1");
    `smp_release` the release of segmentation-models-pytorch that its modules come from; `activation` the class of an
    activation at its end that is not needed, as it leaves the largest class the largest; each "" where not known.
    `left_out` is the number of tensors in the file that do not belong to the network.
    """

    kind: str
    tensors: Mapping[str, Tensor]
    network: str = ""
    model_name: str = ""
    smp_release: str = ""
    activation: str = ""
    left_out: int = 0


def read_weights(path: Path) -> Weights:
    """The weights in a file, on the CPU. Nothing in the file is executed.

    Raises:
        FileRefused: the file cannot be opened.
        CheckpointUnsafe: its pickle names something that could run code.
        CheckpointUnreadable: it is truncated, or of none of the kinds.
        CheckpointRefused: it holds no network, or one with an end that is not known.
    """
    if _is_safetensors(path):
        return _read_safetensors(path)
    with open_archive(path) as archive:
        value = archive.pickle.value
        network = _find_network(value)
        if network is not None:
            return _weights_of(archive, network)
        state = _find_state(value)
        tensors = {name: _read_tensor(archive, name, tensor) for name, tensor in state.items()}
    return _without_prefix("state dict", tensors)


def _is_safetensors(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise FileRefused(f"{path}, {error.strerror or error}") from error
    # Eight bytes of length, then JSON. A pickle or a zip has other bytes there.
    return head[8:] == b"{"


def _read_safetensors(path: Path) -> Weights:
    try:
        tensors = load_file(path, device="cpu")
    except (OSError, SafetensorError) as error:
        raise CheckpointUnreadable(f"it is not a readable safetensors file ({error})") from error
    return _without_prefix("safetensors file", tensors)


def _without_prefix(kind: str, tensors: Mapping[str, Tensor]) -> Weights:
    """The tensors of the network alone, without what wrappers ("module.", "model.") put before their names."""
    prefixes = [name.removesuffix(HEAD) for name in tensors if name == HEAD or name.endswith(f".{HEAD}")]
    prefix = min(prefixes, key=len, default="")
    ours = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    return Weights(kind=kind, tensors=ours, left_out=len(tensors) - len(ours))


def _weights_of(archive: Archive, network: Inert) -> Weights:
    model_name = network.state.get("name")
    return Weights(
        kind="whole-model pickle",
        tensors={name: _read_tensor(archive, name, tensor) for name, tensor in _walk(network)},
        network=network.class_name,
        model_name=model_name if isinstance(model_name, str) else "",
        smp_release=_tell_release(archive.pickle.names),
        activation=_find_activation(archive.pickle.value, network),
    )


def _find_network(value: object) -> Inert | None:
    """The whole network in a pickle, out of its wrappers (DataParallel, Lightning, Sequential, a dictionary)."""
    candidates: list[Inert] = []
    for part in _parts(value):
        if "_modules" in part.state:
            candidates.append(part)
        if _modules_of(part).keys() >= _NETWORK_PARTS:
            return part
    return candidates[0] if candidates else None


def _parts(value: object) -> Iterator[Inert]:
    """The objects in a value, its modules and dictionaries, nearest first and each once."""
    for part in _nested(value):
        if isinstance(part, Inert):
            yield part


def _find_state(value: object) -> dict[str, object]:
    """The tensors of a state dict by name, wherever training frameworks put it."""
    for part in _nested(value):
        state = {name: tensor for name, tensor in _entries(part).items() if _as_tensor(tensor) is not None}
        if state:
            return state
    raise CheckpointRefused("the file holds neither a network nor a state dict")


def _nested(value: object) -> Iterator[object]:
    waiting: deque[object] = deque([value])
    seen: set[int] = set()
    while waiting:
        part = waiting.popleft()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        entries = _entries(part)
        waiting.extend(entries[key] for key in _NESTED_UNDER if key in entries)
        waiting.extend(_modules_of(part).values())


def _walk(network: Inert) -> Iterator[tuple[str, object]]:
    """The tensors of a module and all below it, as `state_dict` names them."""
    waiting: deque[tuple[str, object]] = deque([("", network)])
    seen = 0
    while waiting:
        prefix, module = waiting.popleft()
        if not isinstance(module, Inert):
            continue
        tensors = _tensors_of(module)
        children = [(f"{prefix}{name}.", child) for name, child in _modules_of(module).items()]
        seen += 1 + len(tensors)
        if seen > _MAX_PARTS or prefix.count(".") > _MAX_DEPTH:
            raise CheckpointUnreadable("its modules have no end")
        yield from ((f"{prefix}{name}", tensor) for name, tensor in tensors.items())
        waiting.extendleft(reversed(children))


def _tensors_of(module: Inert) -> dict[str, object]:
    parameters = _entries(module.state.get("_parameters"))
    buffers = _entries(module.state.get("_buffers"))
    passing = module.state.get("_non_persistent_buffers_set")
    if isinstance(passing, Inert):
        passing = passing.args[0] if passing.args else ()
    unsaved = {name for name in passing if isinstance(name, str)} if isinstance(passing, list | set) else set()
    return {
        name: tensor
        for name, tensor in (parameters | buffers).items()
        if tensor is not None and not (name in buffers and name in unsaved)
    }


def _modules_of(value: object) -> dict[str, object]:
    return _entries(value.state.get("_modules")) if isinstance(value, Inert) else {}


def _entries(value: object) -> dict[str, object]:
    """The entries of a dictionary or an OrderedDict under their names; none for anything else."""
    if isinstance(value, Inert):
        pairs = value.args[0] if value.args and isinstance(value.args[0], list) else []
        told = {pair[0]: pair[1] for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2
                and isinstance(pair[0], str)}  # fmt: skip
        value = told | value.items
    return {key: each for key, each in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _as_tensor(value: object) -> Inert | None:
    """The note of a tensor, out of what wraps it; None for anything else."""
    while isinstance(value, Inert):
        match value.module, value.class_name, value.args:
            case "torch._utils", name, _ if name in _REBUILD:
                return value
            case "torch._utils", name, (wrapped, *_) if name in _WRAPPERS:
                value = wrapped
            case "torch._tensor", "_rebuild_from_type_v2", (maker, _, tuple(args), *_):
                value = Inert(maker=maker, args=args)
            case _:
                return None
    return None


def _read_tensor(archive: Archive, name: str, value: object) -> Tensor:
    tensor = _as_tensor(value)
    if tensor is None:
        raise CheckpointUnreadable(f"the tensor {ascii(name)[:80]} in it is of a kind that is not known")
    return archive.tensor(tensor)


def _tell_release(names: list[Name]) -> str:
    """The release that the modules' places tell: 0.3 moved the decoders, and was the last with a timm before 0.9."""
    modules = [name.module for name in names]
    if not any(module.startswith("segmentation_models_pytorch.") for module in modules):
        return ""
    if not any(module.startswith("segmentation_models_pytorch.decoders.") for module in modules):
        return "0.2 or older"
    return "0.3" if any(module.startswith("timm.models.layers") for module in modules) else "0.3 or newer"


def _find_activation(whole: object, network: Inert) -> str:
    """The activation that the network, or a Sequential around it, ends with; "" for none.

    Raises:
        CheckpointRefused: it may make another class the largest, so that the network is not the same without it.
    """
    last = list(_modules_of(_modules_of(network).get("segmentation_head")).values())[2:]
    for part in _parts(whole):
        children = list(_modules_of(part).values())
        if part.class_name == "Sequential" and network in children:
            last += children[children.index(network) + 1 :]
    found = [_activation_in(module) for module in last]
    unknown = next((module for module in found if not _keeps_winner(module)), None)
    if unknown is not None:
        name = ascii(unknown.class_name)[1:-1][:40] if isinstance(unknown, Inert) else "something unknown"
        raise CheckpointRefused(f"the network ends with {name}, which may change which class is largest")
    names = [module.class_name for module in found if isinstance(module, Inert)]
    return next((name for name in names if name != "Identity"), "")


def _activation_in(module: object) -> object:
    """What smp's own `Activation` holds, or the module itself."""
    if not isinstance(module, Inert) or module.class_name != "Activation":
        return module
    return _modules_of(module).get("activation", module.state.get("activation"))


def _keeps_winner(module: object) -> bool:
    if not isinstance(module, Inert) or module.class_name not in _SAME_WINNER:
        return False
    return module.state.get("dim") in (None, 1, -3)
