"""Files are hashed as they are, and counted as they are read."""

import hashlib
from pathlib import Path

import pytest

from pantile.client.uploads import hash_file, hash_files
from pantile.domain.errors import FileRefused


def test_files_are_hashed_in_their_order(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.jpg" for number in range(20)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * 1000)

    hashed = hash_files(files)

    assert [each.file for each in hashed] == files
    assert [each.sha256 for each in hashed] == [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def test_bytes_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x" * 3_000_000)
    counted: list[int] = []

    assert hash_file(tmp_path / "a.jpg", counted.append).bytes == sum(counted) == 3_000_000


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"none\.jpg"):
        hash_files([tmp_path / "none.jpg"])
