"""Pages have the colours of the figures."""

import matplotlib as mpl
import numpy as np
import pytest

from pantile.analysis.colours import heat_colour, ink_on, score_colour


@pytest.mark.parametrize("share", [0.0, 0.1, 0.33, 0.5, 0.77, 1.0, 1.2, -0.1])
def test_heat_is_that_of_matplotlib(share: float) -> None:
    blended = mpl.colors.to_rgb(heat_colour(share))

    # matplotlib blends in 256 steps.
    assert blended == pytest.approx(mpl.colormaps["GnBu"](min(max(share, 0.0), 1.0))[:3], abs=3 / 255)


def test_numbers_are_in_the_ink_that_is_read_more_easily() -> None:
    assert {ink_on(score_colour(mean)) for mean in np.linspace(0, 9, 19)} == {"black"}
    assert (ink_on("#ffffff"), ink_on("#000000"), ink_on("#cc3311")) == ("black", "white", "white")
