"""Two raters on the same outputs: within segmenters first, as pooling only adds that segmenters differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.agreement import Agreement, IccForm, agree, bias, icc
from pantile.analysis.estimates import Estimate
from pantile.analysis.order_effects import OrderEffects
from pantile.analysis.reading import how_many
from pantile.analysis.scores import ScoreTable
from pantile.analysis.table import Table, make_table, show_p, spread
from pantile.domain.csv_text import Cell

Ratings = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterPairs:
    """The outputs that both raters scored."""

    titles: tuple[str, ...]
    ratings: Ratings
    """(outputs, 2)."""

    places: NDArray[np.int64]
    """The segmenter of each."""

    remark: str

    def of(self, place: int) -> Ratings:
        """The pairs of one segmenter."""
        return np.asarray(self.ratings[self.places == place], dtype=np.float64)

    def within(self) -> tuple[Estimate, Estimate]:
        """ICC(C,1) and ICC(A,1) of scores centred per segmenter."""
        groups = self.places.tolist()
        return icc(self.ratings, groups=groups), icc(self.ratings, IccForm.AGREEMENT, groups=groups)


def pair_raters(first: ScoreTable, second: ScoreTable) -> RaterPairs:
    """The second rater's scores beside the first's; what the first lacks is counted."""
    rows = {roi: row for row, roi in enumerate(first.rois.tolist())}
    known = np.array([roi in rows for roi in second.rois.tolist()], dtype=np.bool_)
    both = second.where(known)
    mine = first.scores[[rows[roi] for roi in both.rois.tolist()]] if known.any() else both.scores
    pairs = np.stack([mine, both.scores], axis=-1)
    places = np.broadcast_to(np.arange(pairs.shape[1]), pairs.shape[:2])
    scored = ~np.isnan(pairs).any(axis=-1)
    strangers, alone = int((~known).sum()), int((~np.isnan(both.scores) & ~scored).sum())
    remark = f"{how_many(int(scored.sum()), 'output')} scored by both"
    if strangers:
        remark += f"; {how_many(strangers, 'ROI')} of the second rater that the first does not have, left out"
    if alone:
        remark += f"; {how_many(alone, 'output')} that only the second scored, left out"
    return RaterPairs(titles=first.design.titles, ratings=pairs[scored], places=places[scored], remark=f"{remark}.")


_WITH_INTERVAL = ("ICC(C,1)", "ICC(A,1)", "Bias", "Spearman", "Share within 1", "AC2", "Kappa (quadratic)")


def raters_table(pairs: RaterPairs) -> Table:
    """Every figure of agreement: within segmenters, pooled, and for each segmenter."""
    within = (*pairs.within(), bias(pairs.ratings))
    rows: list[tuple[Cell, ...]] = [
        ("Within segmenters (primary)", within[0].n, *(part for it in within for part in spread(it)), *(None,) * 15),
        _row("Pooled", agree(pairs.ratings)),
        *(_row(title, agree(pairs.of(place))) for place, title in enumerate(pairs.titles)),
    ]
    columns = [part for name in _WITH_INTERVAL for part in (name, f"{name} low", f"{name} high")]
    return make_table(
        "raters",
        "Agreement of two raters, every figure",
        ("Outputs of", "n", *columns, "Limit low", "Limit high", "Alpha (interval)"),
        rows,
        note=f"{pairs.remark} Bias is the second rater less the first; the limits are Bland and Altman's.",
        is_long=True,
    )


def _row(name: str, it: Agreement) -> tuple[Cell, ...]:
    estimates = (it.icc_c1, it.icc_a1, it.bias, it.spearman, it.within_one, it.ac2, it.kappa)
    ends = (it.limits.low.value, it.limits.high.value, it.alpha.value)
    return (name, it.n, *(part for estimate in estimates for part in spread(estimate)), *ends)


def short_raters_table(pairs: RaterPairs) -> Table:
    """What one looks for first."""
    within = pairs.within()
    rows: list[tuple[Cell, ...]] = [
        ("Within segmenters (primary)", within[0].n, str(within[0]), str(within[1]), str(bias(pairs.ratings)), "–", "–")
    ]
    for title, part in (("Pooled", pairs.ratings), *((t, pairs.of(p)) for p, t in enumerate(pairs.titles))):
        it = agree(part)
        figures = (it.icc_c1, it.icc_a1, it.bias, it.spearman, it.within_one)
        rows.append((title, it.n, *(str(figure) for figure in figures)))
    return make_table(
        "raters_short",
        "Agreement of two raters",
        ("Outputs of", "n", "ICC(C,1)", "ICC(A,1)", "Bias", "Spearman's rho", "Share within 1"),
        rows,
        note=f"{pairs.remark} Bias is the second rater less the first. Pooled figures are higher because segmenters "
        "differ in their mean; the first row takes that out.",
    )


def repeats_table(repeats: dict[str, Agreement], note: str) -> Table:
    """Each rater against themselves."""
    rows = [
        (rater, it.n, *spread(it.icc_c1), *spread(it.icc_a1), *spread(it.bias), it.within_one.value)
        for rater, it in repeats.items()
    ]
    names = [part for name in ("ICC(C,1)", "ICC(A,1)", "Bias") for part in (name, f"{name} low", f"{name} high")]
    return make_table(
        "repeats", "Raters against themselves", ("Rater", "Outputs", *names, "Share within 1"), rows,
        note=f"{note} An output's first score against the same rater's next; bias is the later less the earlier.",
    )  # fmt: skip


def panes_table(effects: OrderEffects, note: str) -> Table:
    """Whether the pane in which an output was seen matters, and whether scores drift."""
    rows: list[tuple[Cell, ...]] = [(f"pane {it.pane}", it.n, it.mean, it.low, it.high) for it in effects.panes]
    rows.append(("100 cases later", effects.drift.n, *spread(effects.drift)))
    return make_table(
        "order", "Panes and positions", ("Effect of", "Scores", "Points", "95 % low", "95 % high"), rows,
        note=f"{note} Scores less the mean of their rater, cohort and segmenter; panes compared within cases. "
        f"No difference between panes: p {show_p(effects.p)} (F, cases as blocks).",
    )  # fmt: skip
