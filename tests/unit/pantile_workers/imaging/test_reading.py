import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import ImageTooLarge, ImageUnreadable
from pantile_workers.imaging.decoding import ImageFormat
from pantile_workers.imaging.reading import inspect_image, read_roi


def _tissue(height: int, width: int) -> RgbImage:
    """Smooth colours with structure at several scales, (height, width, 3) uint8."""
    rows, columns = np.mgrid[:height, :width]
    waves = [
        np.sin(columns / 17 + 1) * np.cos(rows / 23),
        np.sin((columns + rows) / 31),
        np.cos(columns / 41) + 0 * rows,
    ]
    image: RgbImage = np.stack([120 + 60 * wave for wave in waves], axis=-1).astype(np.uint8)
    return image


def _file(image: NDArray[np.unsignedinteger], kind: str, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image, mode).save(file, kind, quality=92)
    return file.getvalue()


def _study_resample(image: RgbImage, scale: float, size: tuple[int, int]) -> RgbImage:
    """Pillow's bicubic at the exact scale, white beyond the image."""
    width, height = (int(np.ceil(length * scale)) for length in size)
    padded = np.full((height + 1, width + 1, 3), 255, dtype=np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    box = (0.0, 0.0, size[0] * scale, size[1] * scale)
    return np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BICUBIC, box=box))


def _bomb_png(width: int, height: int) -> bytes:
    """A PNG whose header promises width x height pixels and which holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("kind", "expected"), [("JPEG", "jpg"), ("PNG", "png"), ("TIFF", "tif"), ("WEBP", "webp")])
def test_the_facts_of_an_image_are_its_size_and_format(kind: str, expected: str) -> None:
    facts = inspect_image(_file(_tissue(90, 130), kind), max_megapixels=1)

    assert (facts.width_px, facts.height_px, facts.format) == (130, 90, ImageFormat(expected))


def test_a_path_is_read_like_bytes(tmp_path: Path) -> None:
    data = _file(_tissue(90, 130), "JPEG")
    path = tmp_path / "roi.jpg"
    path.write_bytes(data)

    from_path, from_bytes = (read_roi(source, roi_mpp=0.25, model_mpp=1.0).image for source in (path, data))

    assert inspect_image(path, max_megapixels=1) == inspect_image(data, max_megapixels=1)
    assert np.array_equal(from_path, from_bytes)


@pytest.mark.parametrize(
    "data", [b"", b"not an image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + b"\0" * 99]
)
def test_what_is_no_image_of_a_format_taken_is_unreadable(data: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        inspect_image(data, max_megapixels=1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_a_truncated_image_is_unreadable(kind: str, part: float) -> None:
    data = _file(_tissue(300, 400), kind)
    truncated = data[: int(len(data) * part)]

    with pytest.raises(ImageUnreadable, match="cut off or damaged"):
        inspect_image(truncated, max_megapixels=1)
    with pytest.raises(ImageUnreadable, match="cut off or damaged"):
        read_roi(truncated, roi_mpp=0.25, model_mpp=1.0)


def test_an_image_over_the_limit_is_refused_on_its_header() -> None:
    with pytest.raises(ImageTooLarge, match=r"60000 x 50000 pixels are 3,000\.0 million, the limit is 400 million"):
        inspect_image(_bomb_png(60_000, 50_000), max_megapixels=400)


def test_a_header_that_promises_more_than_the_file_holds_is_unreadable() -> None:
    with pytest.raises(ImageUnreadable, match="cut off or damaged"):
        inspect_image(_bomb_png(600, 500), max_megapixels=400)


def test_an_enlargement_over_the_limit_is_refused_before_it_is_made() -> None:
    with pytest.raises(ImageTooLarge):
        read_roi(_file(_tissue(300, 400), "PNG"), roi_mpp=5.0, model_mpp=0.25, max_megapixels=40)


@pytest.mark.parametrize("roi_mpp", [0.25, 0.253, 0.2325, 0.2501, 0.5, 0.9])
def test_shrinking_agrees_with_the_study_resampling_at_the_exact_scale(roi_mpp: float) -> None:
    image = _tissue(411, 523)
    roi = read_roi(_file(image, "PNG"), roi_mpp=roi_mpp, model_mpp=1.0)
    expected = _study_resample(image, 1.0 / roi_mpp, (roi.image.shape[1], roi.image.shape[0]))

    difference = np.abs(roi.image.astype(int) - expected)

    # Fixed-point kernels and a phase of at most a quarter of a source pixel, which shows most where tissue meets white.
    assert difference.mean() < 1.0
    assert difference.max() <= 10


def test_the_decoder_shrinks_where_much_is_left_to_shrink() -> None:
    data = _file(_tissue(1203, 1605), "JPEG")
    decoded = np.asarray(Image.open(io.BytesIO(data)))
    roi = read_roi(data, roi_mpp=0.1, model_mpp=1.0)
    expected = _study_resample(decoded, 10.0, (161, 121))

    assert roi.image.shape == (121, 161, 3)
    assert np.abs(roi.image.astype(int) - expected).mean() < 1.5


@pytest.mark.parametrize(("roi_mpp", "edge_px"), [(0.25, 800), (0.253, 800), (0.2325, 903), (2.0, 40)])
def test_an_edge_lands_where_the_geometry_says(roi_mpp: float, edge_px: int) -> None:
    image = np.zeros((64, 1000, 3), dtype=np.uint8)
    image[:, edge_px:] = 240
    roi = read_roi(_file(image, "PNG"), roi_mpp=roi_mpp, model_mpp=1.0)

    # A kernel of unit weight keeps the area: the dark columns sum to the edge's position.
    row = roi.image[roi.image.shape[0] // 2, : int(edge_px * roi_mpp) + 20, 0].astype(float)
    edge = (1.0 - row / 240.0).sum()

    assert edge == pytest.approx(edge_px * roi_mpp, abs=0.1)


def test_the_size_covers_the_roi_and_the_extent_says_how_far() -> None:
    roi = read_roi(_file(_tissue(101, 203), "PNG"), roi_mpp=0.25, model_mpp=1.0)

    assert roi.image.shape == (26, 51, 3)
    assert (roi.width_px, roi.height_px) == (203, 101)
    assert roi.extent_px == (204.0, 104.0)


def test_what_lies_outside_the_roi_is_white() -> None:
    roi = read_roi(_file(np.zeros((100, 101, 3), dtype=np.uint8), "PNG"), roi_mpp=0.1, model_mpp=1.0)

    assert roi.image[5, 10].min() > 200
    assert roi.image[5, 8].max() < 30


def test_at_its_own_mpp_an_image_is_left_as_it_is() -> None:
    image = _tissue(40, 50)

    roi = read_roi(_file(image, "PNG"), roi_mpp=1.0, model_mpp=1.0)

    assert np.array_equal(roi.image, image)


def test_enlarging_keeps_the_phase() -> None:
    image = _tissue(60, 80)
    roi = read_roi(_file(image, "PNG"), roi_mpp=2.0, model_mpp=1.0)
    expected = np.asarray(Image.fromarray(image).resize((160, 120), Image.Resampling.BICUBIC)).astype(int)

    inner = np.abs(roi.image - expected)[4:-4, 4:-4]

    assert roi.image.shape == (120, 160, 3)
    assert inner.max() <= 2


def test_other_colours_become_8_bit_rgb() -> None:
    grey = np.full((8, 8), 77, dtype=np.uint8)
    deep = np.full((8, 8), 77 * 257, dtype=np.uint16)
    clear = np.dstack([np.full((8, 8, 3), 10, dtype=np.uint8), np.zeros((8, 8), dtype=np.uint8)])

    pixels = [
        read_roi(_file(image, "PNG"), roi_mpp=1.0, model_mpp=1.0).image[4, 4].tolist() for image in (grey, deep, clear)
    ]

    assert pixels == [[77, 77, 77], [77, 77, 77], [255, 255, 255]]


def test_cmyk_becomes_rgb() -> None:
    file = io.BytesIO()
    Image.new("CMYK", (16, 16), (0, 0, 0, 0)).save(file, "JPEG")

    roi = read_roi(file.getvalue(), roi_mpp=1.0, model_mpp=1.0)

    assert roi.image.shape == (16, 16, 3)
    assert roi.image.min() > 250


def test_samples_that_are_no_whole_numbers_are_unreadable() -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), dtype=np.float32)).save(file, "TIFF")

    with pytest.raises(ImageUnreadable, match="float"):
        inspect_image(file.getvalue(), max_megapixels=1)


def test_the_exif_orientation_is_not_applied() -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(_tissue(20, 40)).save(file, "JPEG", exif=exif)

    assert inspect_image(file.getvalue(), max_megapixels=1).width_px == 40
