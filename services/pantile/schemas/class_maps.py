"""A class map, and what is told of it."""

from pydantic import Field

from pantile.domain.class_maps import ClassGroup
from pantile.schemas.shapes import Shape


class AreaOut(Shape):
    """How much of the ROI one class covers."""

    name: str
    group: ClassGroup
    area_mm2: float
    fraction: float


class ConfidenceOut(Shape):
    """A confidence map: a grey PNG as large as its class map, 255 for a certainty; `url` is valid for an hour."""

    url: str
    sha256: str
    mean: float = Field(description="The mean over tissue, 0 to 1.")


class ClassMapOut(Shape):
    """A class map; `url` is valid for an hour."""

    url: str
    sha256: str
    format: str = Field("png", description="What its file ends with: png, or tif for a whole slide.")
    width_px: int
    height_px: int
    map_mpp: float
    extent_width_px: float = Field(description="Pixels of the ROI's image that it covers, from the upper left corner.")
    extent_height_px: float
    areas: list[AreaOut]
    tumor_stroma_ratio: float | None = Field(description="Stroma's share of tumor plus tumor stroma.")
    arithmetic: str | None = Field(None, description="What the network really ran in, as float32 or bfloat16.")
    confidence: ConfidenceOut | None = Field(None, description="None where it was not asked for.")
