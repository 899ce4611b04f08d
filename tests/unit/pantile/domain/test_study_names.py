"""Segmenters are numbered as the study's files number them."""

from pantile.domain.study_names import number_segmenters


def test_the_studys_own_keep_their_numbers_and_others_follow_by_name() -> None:
    assert number_segmenters({"skin", "lung", "bone", "breast"}) == {"breast": 1, "lung": 3, "bone": 6, "skin": 7}
