"""The names under which a cohort's results are kept."""

from dataclasses import dataclass
from pathlib import Path

from pantile.client.downloads import safe_name
from pantile.domain.segmenters import Mode, Stitching
from pantile.schemas.cohorts import SegmenterCounts
from pantile.schemas.results import ResultOut


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The names under which a cohort's results are kept in a folder."""

    folder: Path
    segmenters: tuple[SegmenterCounts, ...]

    def of(self, result: ResultOut, ending: str) -> Path:
        """`{roi}_{segmenter}{ending}`; mode and stitching are named where they are unusual.

        Version, precision, and that a confidence map is beside it, are named where the cohort has it both ways.
        """
        own = [each for each in self.segmenters if each.segmenter == result.segmenter]
        alike = [
            settings
            for each in own
            for settings in each.settings
            if (each.version, settings.mode, settings.stitching)
            == (result.segmenter_version, result.mode, result.stitching)
        ]
        as_precise = [settings for settings in alike if settings.precision is result.precision]
        parts = {
            f"-{result.segmenter_version}": len(own) > 1,
            f"-{result.mode}": result.mode is not Mode.FAST,
            f"-{result.stitching}": result.stitching is not Stitching.CENTRE,
            f"-{result.precision}": len({settings.precision for settings in alike}) > 1,
            "-confidence": result.class_map.confidence is not None and len(as_precise) > 1,
        }
        named = "".join(part for part, is_named in parts.items() if is_named)
        return self.folder / f"{safe_name(f'{result.roi}_{result.segmenter}{named}')}{ending}"
