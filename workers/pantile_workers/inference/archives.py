"""PyTorch's files: a pickle with the bytes of its tensors beside it, as a zip or, before 1.6, one after the other.

Nothing is unpacked: torch.save never compresses, so a compressed member is refused and a small file stays small. A
tensor is what its file really holds: no view beyond its storage, no storage beyond its bytes, and all tensors together
no larger than the file.
"""

import io
import math
import mmap
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

import torch
from torch import Tensor

from pantile.domain.errors import CheckpointUnreadable, FileRefused
from pantile_workers.inference.names import Name
from pantile_workers.inference.pickles import Inert, PersistentId, Unpickled, read_pickle

_ZIP = b"PK\x03\x04"
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_TAR_AT = slice(257, 262)
_MAX_DIMENSIONS = 8

_DTYPES = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}
"""torch/storage.py, _dtype_to_storage_type_map, those that a network's state can have."""


class _Members(Protocol):
    """Where the bytes of storages lie."""

    def read(self, key: str) -> bytes:
        """The bytes of a storage; raises `CheckpointUnreadable`."""


@dataclass(slots=True, kw_only=True, eq=False)
class Archive:
    """An open file of PyTorch's: what its pickle says, and the way to the tensors in it."""

    pickle: Unpickled
    _members: _Members
    _budget_bytes: int
    _storages: dict[str, Tensor] = field(default_factory=dict)

    def tensor(self, plan: Inert) -> Tensor:
        """The tensor that a note of `torch._utils._rebuild_tensor_v2` (or its older sister) means, as one block.

        Raises:
            CheckpointUnreadable: its bytes are not in the file, or it is of a kind that networks do not have.
        """
        try:
            storage_id, offset, shape, stride = plan.args[:4]
            key, dtype, numel = _storage_of(storage_id)
            offset, shape, stride = _counts([offset])[0], _counts(shape), _counts(stride)
        except (TypeError, ValueError) as error:
            raise CheckpointUnreadable("a tensor in it is damaged or of an unknown kind") from error
        _check_extent(offset, shape, stride, numel)
        self._budget_bytes -= math.prod(shape) * dtype.itemsize
        if self._budget_bytes < 0:
            raise CheckpointUnreadable("its tensors are larger than the file")
        return self._storage(key, dtype, numel).as_strided(shape, stride, offset).clone(
            memory_format=torch.contiguous_format
        )  # fmt: skip

    def _storage(self, key: str, dtype: torch.dtype, numel: int) -> Tensor:
        if key not in self._storages:
            content = self._members.read(key)
            self._storages[key] = torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else torch.empty(0)
        held = self._storages[key]
        if held.numel() < numel * dtype.itemsize:
            raise CheckpointUnreadable(f"the storage {ascii(key)[:40]} is larger than its bytes in the file")
        return held[: numel * dtype.itemsize].view(dtype) if numel else torch.empty(0, dtype=dtype)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The file that torch.save wrote, open for the length of the block.

    Raises:
        FileRefused: the file cannot be opened.
        CheckpointUnsafe: its pickle names something that could run code.
        CheckpointUnreadable: it is truncated, compressed or another kind of file.
    """
    with _mapped(path) as content:
        if content[:4] == _ZIP:
            with _zip(path) as archive:
                yield archive
        elif content[:1] == b"\x80":
            yield _legacy(content)
        elif content[_TAR_AT] == b"ustar":
            raise CheckpointUnreadable("it is a tar file of PyTorch 0.1; save it anew with a PyTorch since 1.6")
        else:
            raise CheckpointUnreadable("it is neither a file of PyTorch's nor safetensors, nor named .onnx")


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise CheckpointUnreadable("the file is empty") from error
    except OSError as error:
        raise FileRefused(f"{path}, {error.strerror or error}") from error
    with content:
        yield content


@contextmanager
def _zip(path: Path) -> Iterator[Archive]:
    try:
        file = zipfile.ZipFile(path)
    # NotImplementedError is zipfile's own, for archives that ask for a newer version of the format.
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise CheckpointUnreadable("its zip is truncated or damaged") from error
    with file:
        size = path.stat().st_size
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in file.infolist()):
            raise CheckpointUnreadable("parts of it are compressed, as torch.save never does it")
        # Without compression, members can only hold more than the file by lying on top of one another.
        if sum(entry.file_size for entry in file.infolist()) > size:
            raise CheckpointUnreadable("it says that it holds more than the file")
        members = _ZipMembers(file, _pickle_member(file.namelist()))
        pickle = read_pickle(io.BytesIO(members.pickle()))
        yield Archive(pickle=pickle, _members=members, _budget_bytes=size)


def _pickle_member(names: Sequence[str]) -> str:
    found = [name for name in names if name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)]
    if any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointUnreadable("it is a TorchScript program, not the weights of a network; export it to ONNX")
    if len(found) != 1:
        raise CheckpointUnreadable("it is a zip, but not one of PyTorch's")
    return found[0]


class _ZipMembers:
    def __init__(self, file: zipfile.ZipFile, pickle: str) -> None:
        self._file = file
        self._pickle = pickle
        self._prefix = pickle.removesuffix("data.pkl")
        if f"{self._prefix}byteorder" in file.namelist() and self._read(f"{self._prefix}byteorder") != b"little":
            raise CheckpointUnreadable("its numbers are in big-endian order")

    def pickle(self) -> bytes:
        return self._read(self._pickle)

    def read(self, key: str) -> bytes:
        return self._read(f"{self._prefix}data/{key}")

    def _read(self, name: str) -> bytes:
        try:
            return self._file.read(name)
        except KeyError as error:
            raise CheckpointUnreadable(f"{ascii(name)[:60]} is missing in it") from error
        # A member that asks for a password gives a RuntimeError.
        except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, struct.error) as error:
            raise CheckpointUnreadable("its zip is truncated or damaged") from error


def _legacy(content: mmap.mmap) -> Archive:
    """torch/serialization.py, _legacy_save: magic, protocol, system, object and keys as pickles, then the storages."""
    # A mapped file is read as any other; unlike one, it sets no memory aside for lengths that a pickle only claims.
    stream = cast("IO[bytes]", content)
    if read_pickle(stream).value != _LEGACY_MAGIC or read_pickle(stream).value != _LEGACY_PROTOCOL:
        raise CheckpointUnreadable("it is a pickle, but not one of PyTorch's")
    system = read_pickle(stream).value
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise CheckpointUnreadable("its numbers are in big-endian order")
    pickle = read_pickle(stream)
    keys = read_pickle(stream).value
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise CheckpointUnreadable("its list of storages is damaged")
    sizes = {key: dtype.itemsize for key, dtype, _ in _storages_of(pickle.persistent_ids)}
    members = _LegacyMembers(content, keys, sizes)
    return Archive(pickle=pickle, _members=members, _budget_bytes=len(content))


class _LegacyMembers:
    """The storages behind the pickles: each with its number of values in eight bytes before it."""

    def __init__(self, content: mmap.mmap, keys: Sequence[str], itemsizes: Mapping[str, int]) -> None:
        self._content = content
        self._places: dict[str, slice] = {}
        position = content.tell()
        for key in keys:
            if key not in itemsizes or position + 8 > len(content):
                raise CheckpointUnreadable("its storages are truncated or damaged")
            (numel,) = struct.unpack("<q", content[position : position + 8])
            start, position = position + 8, position + 8 + numel * itemsizes[key]
            if not start <= position <= len(content):
                raise CheckpointUnreadable("its storages are truncated or damaged")
            self._places[key] = slice(start, position)

    def read(self, key: str) -> bytes:
        if key not in self._places:
            raise CheckpointUnreadable(f"the storage {ascii(key)[:40]} is missing in it")
        return self._content[self._places[key]]


def _storages_of(ids: Sequence[PersistentId]) -> Iterator[tuple[str, torch.dtype, int]]:
    for each in ids:
        if isinstance(each.value, tuple) and each.value[:1] == ("storage",):
            try:
                yield _storage_of(each)
            except (TypeError, ValueError):
                continue


def _storage_of(storage_id: object) -> tuple[str, torch.dtype, int]:
    """Key, dtype and number of values: ("storage", type, key, device, number[, view]); raises `ValueError`."""
    if not isinstance(storage_id, PersistentId) or not isinstance(storage_id.value, tuple):
        raise TypeError("no storage")
    kind, storage, key, _, numel, *view = storage_id.value
    if (
        kind != "storage"
        or not isinstance(storage, Name)
        or storage.name not in _DTYPES
        or not isinstance(key, str)
        or any(part is not None for part in view)
    ):
        raise ValueError("another kind of storage")
    return key, _DTYPES[storage.name], _counts([numel])[0]


def _counts(values: object) -> tuple[int, ...]:
    """Whole numbers from 0 on; raises `ValueError` for anything else."""
    # torch.Size is pickled as a call with the tuple as its one argument.
    if isinstance(values, Inert) and values.class_name == "Size":
        (values,) = values.args
    if not isinstance(values, tuple | list) or len(values) > _MAX_DIMENSIONS:
        raise ValueError("no shape")
    if not all(type(value) is int and 0 <= value < 1 << 40 for value in values):
        raise ValueError("no counts")
    return tuple(values)


def _check_extent(offset: int, shape: Sequence[int], stride: Sequence[int], numel: int) -> None:
    """A view that ends within its storage and shows no value twice more often than the storage has values."""
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=False))
    is_empty = math.prod(shape) == 0
    if len(shape) != len(stride) or (not is_empty and last >= numel) or math.prod(shape) > numel:
        raise CheckpointUnreadable("a tensor in it reaches beyond its storage")
