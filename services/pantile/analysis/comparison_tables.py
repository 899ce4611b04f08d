"""Tables of comparisons: native and foreign, equivalence, segmenters, the mixed model, sites, the article's claims."""

from collections.abc import Sequence

import numpy as np

from pantile.analysis.article import Article, rounds_to
from pantile.analysis.claims import JudgedClaim
from pantile.analysis.comparisons import ForeignCell, NativeAgainstForeign, SegmentersCompared
from pantile.analysis.influence import SiteInfluence, SubsetMean
from pantile.analysis.mixed_model import MixedModel, shares
from pantile.analysis.summaries import Summary
from pantile.analysis.table import Table, make_table, mean_sd, show_p
from pantile.domain.csv_text import Cell

ALPHA = 0.05


def native_table(found: Sequence[NativeAgainstForeign], note: str) -> Table:
    """Each segmenter at home and elsewhere."""
    rows = [
        (
            it.segmenter,
            it.native_patients,
            it.foreign_patients,
            it.native_mean,
            it.foreign_mean,
            it.difference,
            it.low,
            it.high,
            it.p,
            it.p_holm,
        )
        for it in found
    ]
    columns = ("Segmenter", "Native patients", "Foreign patients", "Native mean", "Foreign mean")
    return make_table(
        "native",
        "Native against foreign cohorts",
        (*columns, "Difference", "95 % low", "95 % high", "p", "p (Holm)"),
        rows,
        note=f"{note} Welch's test on patients' means, Holm over segmenters; intervals by drawing patients.",
    )


def foreign_table(found: Sequence[ForeignCell], margin: float, note: str) -> Table:
    """Each foreign cell against the segmenter at home: different, equivalent, or neither shown."""
    rows = [
        (
            it.cohort,
            it.segmenter,
            it.patients,
            it.mean,
            it.difference,
            it.p,
            it.p_bh,
            it.p_equivalence,
            it.p_equivalence_holm,
            _verdict(it),
        )
        for it in found
    ]
    columns = (
        "Cohort",
        "Segmenter",
        "Patients",
        "Mean",
        "Less native",
        "p",
        "p (BH)",
        "p equivalent",
        "p equiv. (Holm)",
    )
    return make_table(
        "foreign_cells",
        "Every foreign cohort against the segmenter at home",
        (*columns, "Shown"),
        rows,
        note=f"{note} Means and differences are of patients. Equivalent: two one-sided Welch tests with a margin of "
        f"{_points(margin)}, Holm over all {len(found)} cells. Differences are explored: Benjamini and Hochberg.",
        is_long=True,
    )


def equivalence_table(found: Sequence[ForeignCell], margin: float, note: str) -> Table:
    """For each segmenter, in which foreign cohorts it does as well as at home."""
    rows: list[tuple[Cell, ...]] = []
    for title in dict.fromkeys(it.segmenter for it in found):
        cells = [it for it in found if it.segmenter == title]
        same = [it.cohort for it in cells if it.p_equivalence_holm < ALPHA]
        better = [it.cohort for it in cells if it.difference > margin]
        rows.append((title, len(cells), len(same), ", ".join(same) or "–", ", ".join(better) or "–"))
    return make_table(
        "equivalence",
        f"Where a segmenter does as well as at home, within {_points(margin)}",
        ("Segmenter", "Foreign cohorts", "Equivalent", "Which", f"Better by more than {margin:g}"),
        rows,
        note=f"{note} Two one-sided tests, Holm over all cells: an excellent mean says less than this.",
    )


def _points(margin: float) -> str:
    return f"{margin:g} point" + ("" if margin == 1 else "s")


def _verdict(it: ForeignCell) -> str:
    if np.isnan(it.p):
        return "not testable"
    if it.p_equivalence_holm < ALPHA:
        return "equivalent"
    return ("lower" if it.difference < 0 else "higher") if it.p_bh < ALPHA else "neither"


def friedman_table(found: SegmentersCompared, titles: Sequence[str], note: str) -> Table:
    """The order of segmenters on the same patients, and which pairs differ."""
    rows: list[tuple[Cell, ...]] = []
    for place, title in enumerate(titles):
        p = [None if other == place else float(found.pairs[place, other]) for other in range(len(titles))]
        rows.append((title, found.mean_ranks[place], *p))
    return make_table(
        "friedman",
        "Segmenters on the same patients",
        ("Segmenter", "Mean rank", *(f"p against {title}" for title in titles)),
        rows,
        note=f"{note} {found.patients:,} patients with a score for each segmenter. "
        f"Friedman's chi² = {found.statistic:,.1f}, "
        f"p {show_p(found.p)}; Kendall's W = {found.concordance:.2f}. Pairs: Conover, Holm.",
    )


def mixed_table(model: MixedModel, note: str) -> Table:
    """The mixed model's effects and where the variation lies."""
    rows: list[tuple[Cell, ...]] = [(it.name, it.value, it.error, it.low, it.high, it.p) for it in model.effects]
    of_patient, of_roi, rest = shares(model)
    return make_table(
        "mixed_model",
        "Mixed model: score by segmenter and home, patients and ROIs random",
        ("Effect", "Points", "Standard error", "95 % low", "95 % high", "p"),
        rows,
        note=f"{note} {model.scores:,} scores, {model.rois:,} ROIs, {model.patients:,} patients; REML. "
        f"Of the variation left, "
        f"{100 * of_patient:.0f} % lies between patients (variance {model.patient_variance:.2f}), "
        f"{100 * of_roi:.0f} % between their ROIs ({model.roi_variance:.2f}), "
        f"{100 * rest:.0f} % within ROIs ({model.residual_variance:.2f}).",
    )


def sites_table(found: Sequence[SiteInfluence], note: str) -> Table:
    """How far each mean moves when one tissue source site is left out."""
    rows = [
        (
            it.cohort,
            it.segmenter,
            it.sites,
            it.mean,
            it.lowest,
            it.lowest_without,
            it.highest,
            it.highest_without,
            it.highest - it.lowest,
        )
        for it in sorted(found, key=lambda it: it.lowest - it.highest)
    ]
    columns = ("Cohort", "Segmenter", "Sites", "Mean", "Lowest", "without", "Highest", "without ", "Range")
    return make_table(
        "sites", "Means with one tissue source site left out", columns, rows,
        note=f"{note} Widest range first. Sites are the second part of a TCGA barcode.", is_long=True,
    )  # fmt: skip


def subset_table(name: str, title: str, found: Sequence[SubsetMean], *, part: str, note: str) -> Table:
    """Means of all and of part of the scores."""
    rows = [(it.group, it.segmenter, it.n_all, it.mean_all, it.n_part, it.mean_part) for it in found]
    columns = ("Group", "Segmenter", "Scores", "Mean", f"Scores {part}", f"Mean {part}")
    return make_table(name, title, columns, rows, note=note)


def claims_table(claims: Sequence[JudgedClaim]) -> Table:
    """The article's claims: what its printed table says of them, and what these scores do."""
    rows = [
        (it.text, it.printed.value, it.printed_says, "holds" if it.here else "does not hold", it.here_says)
        for it in claims
    ]
    return make_table(
        "claims",
        "The article's claims about Table 1",
        ("Claim", "By the printed table", "which says", "In these scores", "which say"),
        rows,
        note="Means print with one digit, so a printed 8 may be below 8; “good” has no single cut-off in the text.",
    )


def printed_table(summary: Summary, article: Article, titles: Sequence[str]) -> Table | None:
    """Where this Table 1 differs from the article's printed one; None for other cohorts."""
    if summary.cohorts != article.cohorts or summary.cells.mean.shape != article.cells.shape[:2]:
        return None
    here = np.stack([summary.cells.mean, summary.cells.sd], axis=-1)
    row_margins = np.stack([summary.rows.mean, summary.rows.sd], axis=-1)
    column_margins = np.stack([summary.columns.mean, summary.columns.sd], axis=-1)
    parts = (
        ("cells", here.reshape(-1, 2), article.cells.reshape(-1, 2)),
        ("row means", row_margins, article.rows),
        ("column means", column_margins, article.columns),
    )
    names = {
        "cells": [f"{cohort} {title}" for cohort in article.cohorts for title in titles],
        "row means": list(article.cohorts),
        "column means": list(titles),
    }
    rows: list[tuple[Cell, ...]] = []
    for part, found, printed in parts:
        same = np.asarray(rounds_to(found, printed).all(axis=1), dtype=np.bool_)
        differing = [
            f"{names[part][at]}: {mean_sd(*found[at].tolist())}, printed {mean_sd(*printed[at].tolist())}"
            for at in np.flatnonzero(~same)
        ]
        rows.append((part, len(same), int(same.sum()), "; ".join(differing[:12]) or "–"))
    return make_table(
        "printed", "Table 1 against the article's", ("Part", "Printed", "Same mean and SD", "Different"), rows,
        note=f"Source: {article.source}.",
    )  # fmt: skip
