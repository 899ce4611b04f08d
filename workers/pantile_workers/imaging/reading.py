"""Reading ROIs: checking that a file is an image at all, and bringing it to the resolution of a network.

The geometry that everything later relies on: column i of the image at `model_mpp` covers the ROI's pixels from
`i * scale` to `(i + 1) * scale` (rows alike), where `scale = model_mpp / roi_mpp` is never rounded. So the ROI's
pixel x lies in column `floor(x / scale)`, and the centre of column i is at `(i + 0.5) * scale - 0.5` in ROI pixels.
"""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

import pyvips

from pantile.domain.class_maps import RgbImage
from pantile.domain.errors import ImageTooLarge
from pantile_workers.imaging.decoding import WHITE, ImageFormat, as_rgb, decoding_errors, open_image, tell_format

LEAST_LEFT = 3.9
"""The decoder shrinks a JPEG only while the resampling after it still shrinks by this much.

Measured with toy4 on the region A0D2 at 0.25 mpp against the study's own class map, and on a 12,500 x 10,000 JPEG on
one core: no shrinking in the decoder 99.9 % of the pixels in 0.57 s, shrinking by 2 there 99.2 % in 0.38 s, by 4 97.6 %
in 0.28 s. The decoder's own filter is not the study's (Pillow's bicubic, which is libvips' kernel "cubic").
"""

_MOST_HELD_BYTES = 2 << 30
"""What a decoder may have to hold of one image: three imaging threads then fit into the 8 GiB of the Compose file."""

_CHECK_SHRINK = 8
_PHASE_TRIES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image file is: its size in pixels, as stored (EXIF orientation not applied), and its format."""

    width_px: int
    height_px: int
    format: ImageFormat


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoiPixels:
    """An ROI at the resolution of a network.

    `image` is (ceil(height_px / scale), ceil(width_px / scale), 3) uint8 RGB at `model_mpp`; what of its last row and
    column lies outside the ROI is white (the border repeated where the ROI was enlarged). `width_px` and `height_px`
    are the ROI's own size.
    """

    image: RgbImage
    width_px: int
    height_px: int
    roi_mpp: float
    model_mpp: float

    @property
    def scale(self) -> float:
        """ROI pixels per pixel of `image`."""
        return self.model_mpp / self.roi_mpp

    @property
    def map_mpp(self) -> float:
        """Microns per pixel of a class map of `image`."""
        return self.model_mpp

    @property
    def extent_px(self) -> tuple[float, float]:
        """Width and height that `image`, and each class map of it, covers, in ROI pixels: a little over the ROI's."""
        height, width = self.image.shape[:2]
        return width * self.scale, height * self.scale


def inspect_image(data: bytes | Path, *, max_megapixels: float) -> ImageFacts:
    """The facts of an image file, after decoding the whole of it once, without keeping its pixels.

    The size is checked on the header, before anything is decoded.

    Raises:
        ImageUnreadable: empty, not an image of a format taken, cut off or damaged anywhere, or with pixels of a kind
            that cannot be brought to 8-bit RGB.
        ImageTooLarge: more than `max_megapixels` million pixels, or more than can be held of an image that is not
            stored row by row.
    """
    image_format = tell_format(data)
    image = open_image(data)
    check_size(image.width, image.height, max_megapixels)
    _check_held(image, image_format)
    as_rgb(image)
    shrink = _CHECK_SHRINK if image_format is ImageFormat.JPEG else 1
    with decoding_errors(image_format):
        open_image(data, shrink=shrink).avg()
    return ImageFacts(width_px=image.width, height_px=image.height, format=image_format)


def read_roi(data: bytes | Path, *, roi_mpp: float, model_mpp: float, max_megapixels: float = 400.0) -> RoiPixels:
    """An image file, `roi_mpp` microns a pixel, as RGB at exactly `model_mpp`, in the geometry of this module.

    Nothing at full resolution is kept: libvips decodes and resamples in strips. The kernel is Catmull-Rom, widened when
    shrinking (Pillow's BICUBIC, which the study uses), interpolating when enlarging. When shrinking, the whole image
    may sit up to a quarter of a decoded pixel off, because libvips centres what a whole number of output pixels leaves
    over; it never drifts.

    Raises:
        ImageUnreadable: as `inspect_image`.
        ImageTooLarge: the image has more than `max_megapixels` million pixels, in the file or at `model_mpp`.
    """
    image_format = tell_format(data)
    header = open_image(data)
    width_px, height_px = header.width, header.height
    scale = model_mpp / roi_mpp
    columns, rows = ceil(width_px / scale), ceil(height_px / scale)
    check_size(width_px, height_px, max_megapixels)
    check_size(columns, rows, max_megapixels)
    with decoding_errors(image_format):
        shrink = _decoder_shrink(scale) if image_format is ImageFormat.JPEG else 1
        image = as_rgb(open_image(data, shrink=shrink) if shrink > 1 else header)
        whole = _restore_last_pixels(image, ceil(width_px / shrink), ceil(height_px / shrink))
        pixels: RgbImage = _resample(whole, scale / shrink, columns, rows).numpy()
    return RoiPixels(image=pixels, width_px=width_px, height_px=height_px, roi_mpp=roi_mpp, model_mpp=model_mpp)


def check_size(width_px: int, height_px: int, max_megapixels: float) -> None:
    """Raises `ImageTooLarge` for more than `max_megapixels` million pixels."""
    megapixels = width_px * height_px / 1e6
    if megapixels > max_megapixels:
        raise ImageTooLarge(
            f"{width_px} x {height_px} pixels are {megapixels:,.1f} million, the limit is {max_megapixels:,g} million"
        )


def _check_held(image: pyvips.Image, image_format: ImageFormat) -> None:
    """Interlaced PNGs are held whole, and of progressive JPEGs two bytes for each sample; measured, both."""
    if not image.get_typeof("interlaced"):
        return
    sample_bytes = 2 if image_format is ImageFormat.JPEG or image.format == "ushort" else 1
    held = image.width * image.height * image.bands * sample_bytes
    if held > _MOST_HELD_BYTES:
        raise ImageTooLarge(
            f"it is stored interlaced, so reading it takes {held / 2**30:.1f} GiB; save it again row by row"
        )


def _decoder_shrink(scale: float) -> int:
    return max((shrink for shrink in (2, 4, 8) if scale / shrink >= LEAST_LEFT), default=1)


def _restore_last_pixels(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """The image at the size that covers the file: shrinking in the decoder drops a last pixel that is not whole."""
    if (image.width, image.height) == (width, height):
        return image
    return image.embed(0, 0, width, height, extend="copy")


def _resample(image: pyvips.Image, scale: float, columns: int, rows: int) -> pyvips.Image:
    if scale == 1.0:
        return image
    if scale < 1.0:
        return _enlarge(image, 1.0 / scale, columns, rows)
    padded_columns, padded_rows = _padded(columns, scale), _padded(rows, scale)
    padded = image.embed(
        0, 0, round(padded_columns * scale), round(padded_rows * scale), extend="background", background=[WHITE] * 3
    )
    return padded.reduce(scale, scale, kernel="cubic").crop(0, 0, columns, rows)


def _padded(length: int, scale: float) -> int:
    """The output length, at least two longer than asked for, whose input length is nearest to a whole number of pixels.

    libvips' reduce centres the fraction of a pixel that is left over (`vips_reduceh_build`), which shifts the image by
    half of it.
    """
    return min(
        range(length + 2, length + 2 + _PHASE_TRIES), key=lambda padded: abs(padded * scale - round(padded * scale))
    )


def _enlarge(image: pyvips.Image, factor: float, columns: int, rows: int) -> pyvips.Image:
    half_pixel = 0.5 * factor - 0.5
    return image.affine(
        [factor, 0, 0, factor],
        interpolate=pyvips.Interpolate.new("bicubic"),
        odx=half_pixel,
        ody=half_pixel,
        oarea=[0, 0, columns, rows],
        extend="copy",
    )
