"""Names of the article's study: by which number its files and tables call a segmenter."""

from collections.abc import Collection, Mapping

STUDY_NUMBERS: Mapping[str, int] = {"breast": 1, "colon": 2, "lung": 3, "kidney": 4, "prostate": 5}
"""The study's five segmenters, as its files (`…_model3_mask.png`) and tables (`model3`) number them."""


def number_segmenters(names: Collection[str]) -> dict[str, int]:
    """A number for each segmenter: the study's own for its five, 6 and up, by name, for others."""
    others = sorted(set(names) - set(STUDY_NUMBERS))
    numbers = {name: number for name, number in STUDY_NUMBERS.items() if name in names}
    return numbers | {name: len(STUDY_NUMBERS) + place for place, name in enumerate(others, start=1)}
