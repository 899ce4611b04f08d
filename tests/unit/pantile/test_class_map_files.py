import io

import numpy as np
import pytest
from PIL import Image

from pantile.class_map_files import decode_class_map, encode_class_map, encode_confidence
from pantile.domain.errors import ImageUnreadable

_PALETTE = np.array([[0, 0, 0], [0, 0, 255], [255, 165, 0]], dtype=np.uint8)


@pytest.mark.parametrize("highest", [0, 1, 3, 15, 255])
def test_every_index_survives_the_round_trip(highest: int) -> None:
    class_map = (np.arange(256 * 3, dtype=np.uint16) % (highest + 1)).astype(np.uint8).reshape(24, 32)

    assert np.array_equal(decode_class_map(encode_class_map(class_map, _PALETTE)), class_map)


def test_the_file_is_an_indexed_png_with_the_palette() -> None:
    picture = Image.open(io.BytesIO(encode_class_map(np.full((4, 6), 2, dtype=np.uint8), _PALETTE)))

    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (6, 4))
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 165, 0)


def test_a_slice_of_a_larger_class_map_is_encoded_as_it_looks() -> None:
    class_map = np.arange(64, dtype=np.uint8).reshape(8, 8)[::2, ::2]

    assert np.array_equal(decode_class_map(encode_class_map(class_map, _PALETTE)), class_map)


def test_the_same_class_map_gives_the_same_bytes() -> None:
    class_map = np.ones((16, 16), dtype=np.uint8)

    assert encode_class_map(class_map, _PALETTE) == encode_class_map(class_map.copy(), _PALETTE)


@pytest.mark.parametrize("part", [0.0, 0.03, 0.6])
def test_a_damaged_class_map_is_unreadable(part: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    data = encode_class_map(noise, _PALETTE)

    with pytest.raises(ImageUnreadable):
        decode_class_map(data[: int(len(data) * part)])


def test_a_picture_in_colours_is_no_class_map() -> None:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")

    with pytest.raises(ImageUnreadable, match="one 8-bit band"):
        decode_class_map(file.getvalue())


def test_a_confidence_map_is_a_grey_png_of_the_same_values() -> None:
    confidence = np.arange(256, dtype=np.uint8).reshape(8, 32)

    picture = Image.open(io.BytesIO(encode_confidence(confidence)))

    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (32, 8))
    assert np.array_equal(np.asarray(picture), confidence)
