"""Pickles are looked at and not run; every attack here does what it wants where Python's own pickle reads it."""

import io
import pickle
import random
import struct
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

from pantile.domain.errors import CheckpointRefused, CheckpointUnreadable, CheckpointUnsafe
from pantile_workers.inference.names import Name, check_name
from pantile_workers.inference.pickles import Inert, read_pickle
from pantile_workers.inference.weights import read_weights


class Reduced:
    """What its `__reduce__` says is called by Python's own pickle."""

    def __init__(self, *call: object) -> None:
        self._call = call

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        function, *arguments = self._call
        return function, tuple(arguments)


def _text(text: object) -> bytes:
    return b"V" + str(text).encode() + b"\n"


def _short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def _set_state_twice(marker: Path) -> bytes:
    """A harmless class is given a method as `__setstate__`, which the next BUILD calls; pathlib is not refused."""
    touch = _short("pathlib") + _short("Path.touch") + b"\x93"
    return (
        b"\x80\x04ccollections\nOrderedDict\n)R}"
        + (_text("__setstate__") + touch + b"sb")
        + (b"cpathlib\nPosixPath\n(" + _text(marker) + b"tRb.")
    )


REFUSED: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "global": ("posix.system", lambda marker: b"cposix\nsystem\n(" + _text(f"touch {marker}") + b"tR."),
    "global of os": ("os.system", lambda marker: b"cos\nsystem\n(" + _text(f"touch {marker}") + b"tR."),
    "stack global": (
        "posix.system",
        lambda marker: (
            b"\x80\x04" + _short("posix") + _short("system") + b"\x93" + _text(f"touch {marker}") + b"\x85R."
        ),
    ),
    "inst": ("posix.system", lambda marker: b"(" + _text(f"touch {marker}") + b"iposix\nsystem\n."),
    "obj": ("posix.system", lambda marker: b"(cposix\nsystem\n" + _text(f"touch {marker}") + b"o."),
    "eval": (
        "builtins.eval",
        lambda marker: b"cbuiltins\neval\n(" + _text(f"open({str(marker)!r}, 'w').close()") + b"tR.",
    ),
    "exec of Python 2": (
        "builtins.exec",
        lambda marker: b"\x80\x02c__builtin__\nexec\n(" + _text(f"open({str(marker)!r}, 'w')") + b"tR.",
    ),
    "open": ("io.open", lambda marker: b"cio\nopen\n(" + _text(marker) + _text("w") + b"tR."),
    "subprocess": ("subprocess.call", lambda marker: pickle.dumps(Reduced(subprocess.call, ["touch", str(marker)]))),
    "dotted name": (
        "torch.os.system",
        lambda marker: (
            b"\x80\x04" + _short("torch") + _short("os.system") + b"\x93" + _text(f"touch {marker}") + b"\x85R."
        ),
    ),
    "runpy": ("runpy", lambda marker: b"crunpy\nrun_path\n(" + _text(_script(marker)) + b"tR."),
    "a pickle in a pickle": (
        "_pickle.loads",
        lambda marker: pickle.dumps(Reduced(pickle.loads, b"cposix\nsystem\n(" + _text(f"touch {marker}") + b"tR.")),
    ),
    "nested modules": ("subprocess.call", lambda marker: _save(nn.Sequential(nn.Sequential(_armed(marker))))),
    "within a state dict": (
        "subprocess.call",
        lambda marker: _save({"a.weight": torch.zeros(1), "b": Reduced(subprocess.call, ["touch", str(marker)])}),
    ),
}  # fmt: skip
"""What is refused by name, and the attack: a pickle, or a whole file of PyTorch's."""

INERT: dict[str, Callable[[Path], bytes]] = {
    "numpy.save": lambda marker: b"cnumpy\nsave\n(" + _text(marker) + b"I1\ntR.",
    "__setstate__": _set_state_twice,
}
"""Attacks by names that are not refused."""


def _script(marker: Path) -> Path:
    script = marker.with_name("script.py")
    script.write_text(f"open({str(marker)!r}, 'w').close()")
    return script


def _armed(marker: Path) -> nn.Module:
    module = nn.Linear(1, 1)
    module.extra = Reduced(subprocess.call, ["touch", str(marker)])  # type: ignore[assignment]  # any attribute will do
    return module


def _save(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def _zip(pickled: bytes, storages: dict[str, bytes] | None = None, *, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A file of PyTorch's around a pickle; what is such a file already is given back."""
    if pickled.startswith(b"PK"):
        return pickled
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled)
        for key, content in (storages or {}).items():
            file.writestr(f"archive/data/{key}", content)
        file.writestr("archive/version", "3\n")
    return stream.getvalue()


def _run_with_python(content: bytes) -> None:
    """What Python's own pickle does with it. An error after the deed is part of some attacks."""
    with suppress(Exception):
        if content.startswith(b"PK"):
            torch.load(io.BytesIO(content), weights_only=False)
        else:
            pickle.loads(content)  # noqa: S301 — to show that the attack is one


def _has_run(folder: Path) -> bool:
    return any(folder.glob("marker*"))


@pytest.mark.parametrize("attack", REFUSED)
def test_a_pickle_that_would_run_code_is_refused_by_name_and_nothing_runs(attack: str, tmp_path: Path) -> None:
    name, make = REFUSED[attack]
    content = make(tmp_path / "marker")
    path = tmp_path / "weights.pth"
    path.write_bytes(_zip(content))

    with pytest.raises(CheckpointUnsafe, match=f"nothing in it was run: it asks for {name}"):
        read_weights(path)
    assert not _has_run(tmp_path)

    _run_with_python(content)
    assert _has_run(tmp_path)


@pytest.mark.parametrize("attack", INERT)
def test_what_is_not_refused_by_name_does_not_run_either(attack: str, tmp_path: Path) -> None:
    content = INERT[attack](tmp_path / "marker")

    assert isinstance(read_pickle(io.BytesIO(content)).value, Inert)
    assert not _has_run(tmp_path)

    _run_with_python(content)
    assert _has_run(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "nt.system", "sys.modules", "importlib.import_module", "socket.socket", "shutil.rmtree", "pty.spawn",
        "ctypes.CDLL", "code.InteractiveInterpreter", "operator.attrgetter", "_operator.methodcaller",
        "builtins.getattr", "builtins.__import__", "builtins.compile", "webbrowser.open", "timeit.timeit",
        "types.FunctionType", "marshal.loads", "dill.loads", "torch.load", "torch.hub.load", "os.path.join",
        "collections.OrderedDict.__init__.__globals__",
    ],
)  # fmt: skip
def test_names_that_no_checkpoint_needs_are_refused(name: str) -> None:
    module, _, attribute = name.partition(".") if name.count(".") > 2 else name.rpartition(".")

    with pytest.raises(CheckpointUnsafe, match=name):
        check_name(Name(module, attribute))


@pytest.mark.parametrize(
    "name",
    [
        ("builtins", "set"), ("collections", "OrderedDict"), ("functools", "partial"),
        ("torch._utils", "_rebuild_tensor_v2"), ("segmentation_models_pytorch.unetplusplus.model", "UnetPlusPlus"),
        ("timm.models.layers.activations", "Swish"), ("__main__", "MyNetwork"), ("mylab.code.model", "Net.Block"),
    ],
)  # fmt: skip
def test_names_of_honest_checkpoints_are_not_refused(name: tuple[str, str]) -> None:
    check_name(Name(*name))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_come_out_as_they_went_in(protocol: int) -> None:
    value = {"a": [1, -70_000, 1 << 70, 2.5, None, True], "b": ("text ü", b"bytes", {"c": ((), (1, 2, 3, 4))})}
    if protocol < 3:
        value["b"] = "bytes are a call before protocol 3"

    assert read_pickle(io.BytesIO(pickle.dumps(value, protocol))).value == value


def test_names_of_python_2_are_told_as_python_3_has_them() -> None:
    with pytest.raises(CheckpointUnsafe, match=r"subprocess\.call"):
        read_pickle(io.BytesIO(b"ccommands\ncall\n."))


def test_control_characters_in_names_do_not_reach_the_screen() -> None:
    with pytest.raises(CheckpointUnsafe) as refused:
        read_pickle(io.BytesIO(b"\x80\x04" + _short("os.\x1b[31m") + _short("system") + b"\x93."))

    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
        b"\x80\x02h\x05.",
        b"\x80\x02r\xff\xff\xff\x7f.",
        b"\x80\x02R.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02K\x01K\x01a.",
        b"\x80\x02" + b"]" * 1_100_000 + b".",
        b"\x80\x02\xff.",
        b"\x80\x02(",
        b"",
    ],
    ids=[
        "length", "memo", "memo-index", "stack", "extension", "append", "operations", "opcode", "stop", "empty"
    ],
)  # fmt: skip
def test_a_damaged_pickle_gives_one_sentence(content: bytes) -> None:
    with pytest.raises(CheckpointUnreadable, match="truncated or damaged"):
        read_pickle(io.BytesIO(content))


def _tensor(*, numel: int = 4, offset: int = 0, shape: tuple[int, ...] = (4,), stride: tuple[int, ...] = (1,)) -> bytes:
    """A state dict of one float32 tensor over the storage "0"."""

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(b"I%d\n" % value for value in values) + b"t"

    storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text("0") + _text("cpu") + b"I%d\ntQ" % numel
    arguments = storage + b"I%d\n" % offset + numbers(shape) + numbers(stride) + b"I00\n}"
    return b"\x80\x02}" + _text("weight") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tRs."


def test_a_tensor_is_read_as_its_strides_say(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    pickled = _tensor(numel=6, offset=1, shape=(2, 2), stride=(1, 2))
    path.write_bytes(_zip(pickled, {"0": struct.pack("<6f", *range(6))}))

    assert read_weights(path).tensors["weight"].tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("pickled", "sentence"),
    [
        (_tensor(numel=40, shape=(40,)), "larger than its bytes"),
        (_tensor(shape=(5,)), "reaches beyond"),
        (_tensor(offset=1), "reaches beyond"),
        (_tensor(shape=(1 << 30,), stride=(0,)), "reaches beyond"),
        (_tensor(shape=(-4,)), "damaged or of an unknown kind"),
        (_tensor(stride=(-1,)), "damaged or of an unknown kind"),
        (_tensor(shape=(1,) * 9, stride=(1,) * 9), "damaged or of an unknown kind"),
        (_tensor().replace(b"FloatStorage", b"Conv2d"), "damaged or of an unknown kind"),
        (_tensor().replace(b"V0\n", b"V../data.pkl\n"), "missing"),
    ],
)
def test_a_tensor_beyond_what_the_file_holds_is_refused(pickled: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(_zip(pickled, {"0": bytes(16)}))

    with pytest.raises(CheckpointUnreadable, match=sentence):
        read_weights(path)


def test_tensors_that_share_a_storage_cannot_outgrow_the_file(tmp_path: Path) -> None:
    whole = torch.zeros(1000)
    path = tmp_path / "weights.pth"
    torch.save({f"weight {number}": whole for number in range(100)}, path)

    with pytest.raises(CheckpointUnreadable, match="larger than the file"):
        read_weights(path)


def test_compressed_parts_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(_zip(_tensor(), {"0": bytes(16 << 20)}, compression=zipfile.ZIP_DEFLATED))

    with pytest.raises(CheckpointUnreadable, match="compressed"):
        read_weights(path)


def test_a_module_within_itself_has_no_end(tmp_path: Path) -> None:
    children = b"}" + _text("0") + b"h\x00s"
    module = b"\x80\x02cmylab\nNet\n)\x81q\x00}" + _text("_modules") + children + b"sb."
    path = tmp_path / "weights.pth"
    path.write_bytes(_zip(module))

    with pytest.raises(CheckpointUnreadable, match="no end"):
        read_weights(path)


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
def test_a_truncated_file_gives_one_sentence(new_format: bool, tmp_path: Path) -> None:
    stream, path = io.BytesIO(), tmp_path / "weights.pth"
    torch.save(nn.Conv2d(3, 8, 3), stream, _use_new_zipfile_serialization=new_format)
    content = stream.getvalue()

    for length in range(1, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointUnreadable) as refused:
            read_weights(path)
        assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
def test_a_damaged_file_is_read_or_refused_and_never_an_accident(tmp_path: Path) -> None:
    stream, path, chance = io.BytesIO(), tmp_path / "weights.pth", random.Random(0)
    torch.save(nn.Conv2d(3, 8, 3), stream, _use_new_zipfile_serialization=False)
    content = stream.getvalue()

    for _ in range(1500):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        with suppress(CheckpointRefused):
            read_weights(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"hello, world", "neither a file of PyTorch's nor safetensors"),
        (bytes(257) + b"ustar" + bytes(250), "tar file of PyTorch 0.1"),
        (pickle.dumps({"weight": 1}), "a pickle, but not one of PyTorch's"),
        (struct.pack("<Q", 1 << 50) + b"{}", "not a readable safetensors file"),
    ],
)
def test_another_kind_of_file_is_named(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)

    with pytest.raises(CheckpointUnreadable, match=sentence):
        read_weights(path)


def test_a_torchscript_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("program/data.pkl", b"\x80\x02}.")
        file.writestr("program/constants.pkl", b"\x80\x02).")

    with pytest.raises(CheckpointUnreadable, match="TorchScript"):
        read_weights(path)
