"""Windows of patches and of what is kept of them."""

import torch

from pantile.domain.patches import plan_grid
from pantile_workers.inference.windows import Span, Window, kept_window, whole


def test_a_window_is_widened_as_far_as_the_patch_goes() -> None:
    window = Window(rows=Span(1, 5), columns=Span(4, 9))

    widened = window.widened(2, Window(rows=Span(0, 10), columns=Span(0, 10)))

    assert widened == Window(rows=Span(0, 7), columns=Span(2, 10))


def test_halved_and_doubled_a_window_still_holds_what_it_held() -> None:
    window = Window(rows=Span(3, 8), columns=Span(2, 7))

    assert window.halved() == Window(rows=Span(1, 4), columns=Span(1, 4))
    assert window.halved().doubled() == Window(rows=Span(2, 8), columns=Span(2, 8))


def test_a_window_is_taken_from_a_larger_one() -> None:
    values = torch.arange(100).view(10, 10)
    held = Window(rows=Span(20, 30), columns=Span(40, 50))

    taken = Window(rows=Span(21, 23), columns=Span(45, 48)).take(values, held)

    assert taken.tolist() == [[15, 16, 17], [25, 26, 27]]
    assert whole(taken) == Window(rows=Span(0, 2), columns=Span(0, 3))


def test_of_a_batch_all_is_kept_that_is_kept_of_any_patch() -> None:
    patches = plan_grid(2500, 3125, patch_px=512, stride_px=384, margin_px=64)

    assert kept_window(patches[:2]) == Window(rows=Span(0, 448), columns=Span(0, 448))
    assert kept_window([patches[9]]) == Window(rows=Span(64, 448), columns=Span(64, 448))
    assert kept_window(patches[-2:]) == Window(rows=Span(64, 196), columns=Span(64, 448))
