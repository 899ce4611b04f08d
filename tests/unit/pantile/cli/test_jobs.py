"""A job's engine settings are told in words."""

import pytest

from pantile.cli.jobs import describe_settings
from pantile.domain.segmenters import Mode, Precision, Stitching
from pantile.schemas.settings import SettingsOut


@pytest.mark.parametrize(
    ("precision", "arithmetic", "told"),
    [
        (Precision.FLOAT32, "float32", "float32 precision"),
        (Precision.FLOAT32, None, "float32 precision"),
        (Precision.MIXED, "bfloat16", "mixed precision (ran in bfloat16)"),
        (Precision.MIXED, "float32", "mixed precision (ran in float32)"),
        (Precision.MIXED, None, "mixed precision"),
    ],
)
def test_what_a_network_ran_in_is_told_where_the_precision_leaves_it_open(
    precision: Precision, arithmetic: str | None, told: str
) -> None:
    settings = SettingsOut(
        mode=Mode.FAST,
        stitching=Stitching.BLEND,
        precision=precision,
        confidence=True,
        stride_px=384,
        margin_px=64,
    )

    assert describe_settings(settings, arithmetic) == (
        f"fast mode, blend stitching every 384 px with margins of 64 px, {told}, confidence map kept"
    )
