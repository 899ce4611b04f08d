"""Assignment plans: which cases a rater gets, drawn by lot from strata, and in which order they come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pantile.domain.errors import AssignmentRefused
from pantile.domain.orders import PaneOrder, by_lot, case_order, pane_order, rater_orders
from pantile.domain.rois import TissueType


class Band(StrEnum):
    """How well an ROI's outputs were scored at first, in the article's bands: 8-10, 5-7, 0-4."""

    HIGH = "8-10"
    MIDDLE = "5-7"
    LOW = "0-4"
    UNSCORED = "unscored"


def band_of(mean: float | None) -> Band:
    """The band of an ROI's mean score, the whole scores' bands met halfway."""
    if mean is None:
        return Band.UNSCORED
    if mean >= 7.5:
        return Band.HIGH
    return Band.MIDDLE if mean >= 4.5 else Band.LOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An ROI that can be assigned."""

    roi_id: int
    name: str
    cohort: str
    tissue_type: TissueType
    band: Band = Band.UNSCORED

    @property
    def label(self) -> str:
        """What it is drawn by: the same in every Pantile."""
        return f"{self.cohort}/{self.name}"


Stratum = tuple[str, TissueType, Band]


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumChoice:
    """How many of a stratum's ROIs there are, and how many were chosen."""

    cohort: str
    tissue_type: TissueType
    band: Band
    available: int
    chosen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How many ROIs are wanted: so many `per_stratum`, or else `in_all` in proportion to the strata, or else all."""

    in_all: int | None = None
    per_stratum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """ROIs chosen from strata of cohort, tissue type and score band."""

    chosen: tuple[Candidate, ...]
    strata: tuple[StratumChoice, ...]


def choose_rois(candidates: Iterable[Candidate], amount: Amount, *, seed: int) -> Choice:
    """The same ROIs for the same candidates, amount and seed; of a stratum, more of them include the fewer."""
    strata: dict[Stratum, list[Candidate]] = {}
    for each in candidates:
        strata.setdefault((each.cohort, each.tissue_type, each.band), []).append(each)
    shares = _shares({stratum: len(rois) for stratum, rois in strata.items()}, amount)
    chosen: list[Candidate] = []
    for stratum, rois in strata.items():
        by_label = {roi.label: roi for roi in rois}
        chosen += [by_label[label] for label in by_lot(by_label, f"{seed}/subset")[: shares[stratum]]]
    return Choice(
        chosen=tuple(chosen),
        strata=tuple(
            StratumChoice(
                cohort=stratum[0],
                tissue_type=stratum[1],
                band=stratum[2],
                available=len(rois),
                chosen=shares[stratum],
            )
            for stratum, rois in sorted(strata.items())
        ),
    )


def _shares(available: Mapping[Stratum, int], amount: Amount) -> dict[Stratum, int]:
    if amount.per_stratum is not None:
        return {stratum: min(count, amount.per_stratum) for stratum, count in available.items()}
    if amount.in_all is None:
        return dict(available)
    return _in_proportion(available, min(amount.in_all, sum(available.values())))


def _in_proportion(available: Mapping[Stratum, int], wanted: int) -> dict[Stratum, int]:
    """Largest remainders; where there are enough for it, every stratum has one at least, so that none goes unseen."""
    least = 1 if wanted >= len(available) else 0
    total = sum(available.values())
    exact = {stratum: wanted * count / total for stratum, count in available.items()}
    shares = {stratum: min(available[stratum], max(least, int(share))) for stratum, share in exact.items()}
    by_remainder = sorted(exact, key=lambda stratum: (shares[stratum] - exact[stratum], stratum))
    while (missing := wanted - sum(shares.values())) != 0:
        step = 1 if missing > 0 else -1
        open_ones = [s for s in by_remainder if least <= shares[s] + step <= available[s]]
        # Of too many, the most generous share gives way first.
        for stratum in (open_ones if step > 0 else open_ones[::-1])[: abs(missing)]:
            shares[stratum] += step
    return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCase:
    """A case that a rater is to get."""

    roi: Candidate
    position: int
    pane_order: PaneOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterOrder:
    """What a rater's order follows from: the study's seed, their name, and how many segmenters there are."""

    seed: int
    rater: str
    segmenters: int

    def arrange(self, rois: Sequence[Candidate], *, after: int) -> tuple[PlannedCase, ...]:
        """ROIs as cases in the rater's order, from the position after the last that they have."""
        orders = rater_orders(self.segmenters, seed=self.seed, rater=self.rater)
        by_label = {roi.label: roi for roi in rois}
        sequence = case_order(by_label, seed=self.seed, rater=self.rater)
        return tuple(
            PlannedCase(roi=by_label[label], position=position, pane_order=pane_order(orders, position))
            for position, label in enumerate(sequence, after + 1)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentPlan:
    """What assigning would do, and does: the new cases, and how many of the chosen ROIs the rater has already."""

    cases: tuple[PlannedCase, ...]
    already: int
    strata: tuple[StratumChoice, ...]


def plan_assignment(
    candidates: Iterable[Candidate],
    amount: Amount,
    *,
    seed: int,
    order: RaterOrder,
    held: Collection[int],
    after: int,
) -> AssignmentPlan:
    """The cases that a rater gets of some candidates.

    The ROIs are chosen whether the rater has them already or not (`held`, by id), so that the same plan asked for twice
    adds nothing.

    Raises:
        AssignmentRefused: there is no candidate, or the rater has all that are chosen.
    """
    choice = choose_rois(candidates, amount, seed=seed)
    if not choice.chosen:
        raise AssignmentRefused("no ROI of the study is of this kind")
    new = [roi for roi in choice.chosen if roi.roi_id not in held]
    if not new:
        raise AssignmentRefused(f"{order.rater} has all {len(choice.chosen)} of these cases already")
    return AssignmentPlan(
        cases=order.arrange(new, after=after), already=len(choice.chosen) - len(new), strata=choice.strata
    )
