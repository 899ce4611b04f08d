"""File names are safe on any system, and never shared by two texts; files are put in place whole."""

from pathlib import Path

import pytest

from pantile.client.downloads import named_digest, safe_name, write_whole
from pantile.domain.errors import FileRefused


def test_ordinary_names_stay_as_they_are() -> None:
    assert safe_name("TCGA-A2-A0D2_tumor_roi_2_lung") == "TCGA-A2-A0D2_tumor_roi_2_lung"


@pytest.mark.parametrize("text", ["../../etc/passwd", "a/b", "a\\b", "..", "", "a:b", "a\nb", ".hidden", "x" * 300])
def test_other_names_lose_what_is_unsafe(text: str) -> None:
    name = safe_name(text)

    assert name == Path(name).name
    assert not name.startswith(".")
    assert len(name) < 200
    assert "\\" not in name


def test_names_that_would_become_one_stay_apart() -> None:
    assert len({safe_name("a b"), safe_name("a/b"), safe_name("a_b")}) == 3


def test_an_objects_digest_is_read_from_its_address() -> None:
    digest = "0123456789abcdef" * 4

    assert named_digest(f"http://host/bucket/overlays/{digest}.jpg?X-Amz-Signature={'f' * 64}") == digest
    assert named_digest("http://host/bucket/overlays/picture.jpg") is None


def test_a_file_is_replaced_whole_and_no_draft_stays(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.csv", b"old")
    write_whole(tmp_path / "a.csv", b"new")

    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.csv", b"new")]


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="No such file or directory"):
        write_whole(tmp_path / "none" / "a.csv", b"")
