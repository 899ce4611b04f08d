"""Orders: in which sequence a rater reads the cases, and in which panes a case shows the outputs.

All are drawn by lot from a study's seed, and anybody can draw them again: what is ordered is sorted by the SHA-256 of
seed, rater and name, so that what comes later moves nothing that was there before.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

PaneOrder = tuple[int, ...]
"""The numbers of a study's segmenters, in the order of the panes A, B, …"""


def williams_design(count: int) -> tuple[PaneOrder, ...]:
    """Orders of the numbers 1 to `count` that balance place and neighbour: `count` of them, or twice as many if odd.

    Over all of them each number stands equally often at each place, and follows each other number equally often
    (Williams, Australian Journal of Scientific Research 1949). Five segmenters have ten orders.

    Raises:
        ValueError: there is nothing to be ordered.
    """
    if count < 1:
        raise ValueError("an order needs one number at least")
    # 0, 1, n-1, 2, n-2, …: each step is another difference, so that shifted by one to n-1 no pair comes twice.
    first = [0] + [place // 2 + 1 if place % 2 == 0 else count - place // 2 - 1 for place in range(count - 1)]
    rows = [tuple((number + shift) % count + 1 for number in first) for shift in range(count)]
    mirrored = [row[::-1] for row in rows] if count % 2 else []
    return tuple(rows + mirrored)


def rater_orders(count: int, *, seed: int, rater: str) -> tuple[PaneOrder, ...]:
    """The rows of the Williams design in the sequence in which one rater meets them, case by case, again and again."""
    return tuple(by_lot(williams_design(count), f"{seed}/{rater}/panes"))


def pane_order(orders: Sequence[PaneOrder], position: int) -> PaneOrder:
    """The pane order of the case at a position, from 1.

    The sequence repeats, and is not shuffled anew, because only so are any consecutive cases balanced: as many as there
    are orders, wherever one begins to count.
    """
    return orders[(position - 1) % len(orders)]


def case_order(names: Iterable[str], *, seed: int, rater: str) -> list[str]:
    """Names of cases in the sequence in which one rater reads them."""
    return by_lot(names, f"{seed}/{rater}/cases")


def by_lot(things: Iterable[T], lot: str) -> list[T]:
    """Things in an order that only `lot` and each of them decide."""
    return sorted(things, key=lambda thing: draw(lot, thing))


def draw(lot: str, thing: object) -> str:
    """What a thing draws: the SHA-256 of the lot and the thing."""
    return hashlib.sha256(f"{lot}/{thing}".encode()).hexdigest()
