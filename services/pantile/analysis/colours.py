"""Colours of figures, without what draws them: the pages of the web service show the same."""

from itertools import pairwise

_GREEN_TO_BLUE = ("f7fcf0", "e0f3db", "ccebc5", "a8ddb5", "7bccc4", "4eb3d3", "2b8cbe", "0868ac", "084081")
"""ColorBrewer's GnBu in nine steps, which matplotlib blends as well."""

_DARKEST_SCORE = 12.0
"""Beyond the highest score, so that black numbers stay legible on the darkest cell."""


def score_colour(mean: float) -> str:
    """The colour of a mean score in heat maps, pale for 0, as #RRGGBB."""
    return heat_colour(mean / _DARKEST_SCORE)


def heat_colour(share: float) -> str:
    """A colour from pale green (0) to dark blue (1), as #RRGGBB."""
    steps = [_parts(colour) for colour in _GREEN_TO_BLUE]
    at = max(0.0, min(1.0, share)) * (len(steps) - 1)
    low, high = list(pairwise(steps))[min(int(at), len(steps) - 2)]
    blended = (round(a + (b - a) * (at - min(int(at), len(steps) - 2))) for a, b in zip(low, high, strict=True))
    return "#" + "".join(f"{part:02x}" for part in blended)


def ink_on(colour: str) -> str:
    """Black or white, whichever is read more easily on a colour, #RRGGBB (WCAG's relative luminance)."""
    shares = (part / 255 for part in _parts(colour.removeprefix("#")))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)
