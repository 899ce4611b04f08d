"""The baseline: an output as the study's published script makes it, one patch at a time, by an ordinary program.

The same arithmetic as `exact` mode, with nothing done to be fast: the whole ROI is decoded, padded and kept at full
size, each patch is cut, resized and sent through the network by itself in float32, and the class map is enlarged to
the ROI's size and written as PNG. The script's coloured map and overlay are left out, which is in its favour.
"""

from io import BytesIO
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from PIL import Image

from pantile.domain.class_maps import ClassMap, RgbImage
from pantile.domain.patches import StudyScale, study_scale
from pantile.domain.segmenters import Card, EngineSettings
from pantile_workers.inference.networks import Network

_WHITE = 255
_GRID = EngineSettings()


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def book(self, stage: str) -> None:
        """Adds the time since the last call to a stage."""
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def segment_patch_by_patch(
    image: Path, network: Network, card: Card, *, roi_mpp: float
) -> tuple[ClassMap, dict[str, float]]:
    """The class map of an image file at the image's own size, and the seconds by stage that it took, encoding too."""
    watch = Stopwatch()
    scale = study_scale(roi_mpp=roi_mpp, model_mpp=card.model_mpp, patch_px=card.patch_px, stride_px=_GRID.stride_px)
    Image.MAX_IMAGE_PIXELS = None
    roi = np.asarray(Image.open(image).convert("RGB"))
    height_px, width_px = roi.shape[:2]
    side = scale.patch_roi_px
    padded = np.full((height_px + side, width_px + side, 3), _WHITE, dtype=np.uint8)
    padded[:height_px, :width_px] = roi
    watch.book("decode")
    rows = range(height_px // scale.stride_roi_px + 1)
    columns = range(width_px // scale.stride_roi_px + 1)
    bands = [
        np.concatenate([_segment_patch(padded, network, card, scale, (row, column), watch) for column in columns], 1)
        for row in rows
    ]
    stitched = np.concatenate(bands)
    zoom = card.model_mpp / roi_mpp
    full_px = (int(stitched.shape[1] * zoom), int(stitched.shape[0] * zoom))
    class_map = Image.fromarray(stitched).resize(full_px, Image.Resampling.NEAREST).crop((0, 0, width_px, height_px))
    watch.book("stitching")
    class_map.save(BytesIO(), "PNG")
    watch.book("encode")
    return np.asarray(class_map), watch.seconds


def _segment_patch(
    padded: RgbImage, network: Network, card: Card, scale: StudyScale, place: tuple[int, int], watch: Stopwatch
) -> ClassMap:
    """The part that is kept of the patch in that row and column of the grid."""
    top, left = (index * scale.stride_roi_px for index in place)
    cut = padded[top : top + scale.patch_roi_px, left : left + scale.patch_roi_px]
    patch = np.asarray(Image.fromarray(cut).resize((card.patch_px, card.patch_px), Image.Resampling.BICUBIC))
    normalised = (patch / 255.0 - card.normalisation.mean) / card.normalisation.std
    given = torch.from_numpy(normalised.astype(np.float32).transpose(2, 0, 1)[None])
    watch.book("preparing")
    with torch.inference_mode():
        logits = network(given)
    watch.book("network")
    classes: ClassMap = logits[0].numpy().argmax(axis=0).astype(np.uint8)
    end = _GRID.margin_px + _GRID.stride_px
    kept = classes[_GRID.margin_px if place[0] else 0 : end, _GRID.margin_px if place[1] else 0 : end]
    watch.book("stitching")
    return kept
