"""The article's claims about Table 1: does each follow from the means, or from a cut-off, or from hidden digits?

A claim is judged twice: on the printed table, where a mean stands for everything that rounds to it, and on the means at
hand. `OPEN` is the honest answer where the printed digits, or the word "good", leave both open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.article import HALF_DIGIT, Article, rounds_to
from pantile.analysis.design import ARTICLE
from pantile.analysis.summaries import Summary

Floats = NDArray[np.float64]

EXCELLENT = 8.0
GOOD_CUTOFFS = (7.0, 6.5, 5.0)
"""Where "good" or "very good" might begin: score 7, 7 after rounding, the code's moderate/good."""

_BREAST, _COLON, _LUNG, _KIDNEY, _PROSTATE = range(5)


class Verdict(StrEnum):
    """What the printed table says of a claim."""

    FOLLOWS = "follows"
    OPEN = "depends on digits that are not printed"
    CUTOFF = "depends on the cut-off"
    FAILS = "does not follow"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A claim, what the printed table says of it, and what the means at hand do."""

    name: str
    text: str
    printed: Verdict
    printed_says: str
    here: bool
    here_says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """So many foreign cohorts have a mean from the cut-off to below the ceiling."""

    name: str
    text: str
    place: int
    count: int
    is_excellent: bool


_COUNTS = (
    _Count(name="lung_excellent", text="lung excellent (8-10) in 11 of 19", place=_LUNG, count=11, is_excellent=True),
    _Count(name="lung_very_good", text="lung very good in another 5 of 19", place=_LUNG, count=5, is_excellent=False),
    _Count(name="breast_excellent", text="breast excellent in 4 of 20", place=_BREAST, count=4, is_excellent=True),
    _Count(name="breast_good", text="breast good in 13 of 20", place=_BREAST, count=13, is_excellent=False),
    _Count(name="colon_excellent", text="colon excellent in 0 of 20", place=_COLON, count=0, is_excellent=True),
    _Count(name="colon_good", text="colon good in 7 of 20", place=_COLON, count=7, is_excellent=False),
    _Count(
        name="prostate_excellent", text="prostate excellent in 0 of 20", place=_PROSTATE, count=0, is_excellent=True
    ),
    _Count(name="prostate_good", text="prostate good in 3 of 20", place=_PROSTATE, count=3, is_excellent=False),
)


def judge_claims(summary: Summary, article: Article) -> list[JudgedClaim]:
    """Every claim, where the cohorts and segmenters are the article's; nothing otherwise."""
    if summary.cohorts != article.cohorts or summary.columns.mean.shape != (len(ARTICLE.segmenters),):
        return []
    claims = [*_judge_printed(summary, article), *_judge_orders(summary, article)]
    claims += [_judge_count(claim, summary, article) for claim in _COUNTS]
    return [*claims, _judge_one_rule(summary, article)]


def _judge_printed(summary: Summary, article: Article) -> list[JudgedClaim]:
    """Means and SDs that the text repeats from the table."""
    ovarian = article.cohorts.index("OV")
    columns, cells = (article.columns, summary.columns), (article.cells, summary.cells)
    wanted = (
        ("lung_overall", "lung overall 7.9 ± 2.1", (7.9, 2.1), *columns, (_LUNG,)),
        ("kidney_overall", "kidney overall 3.0 ± 1.4", (3.0, 1.4), *columns, (_KIDNEY,)),
        ("ov_lung", "lung on OV 9.2 ± 0.9", (9.2, 0.9), *cells, (ovarian, _LUNG)),
    )
    claims = []
    for name, text, claimed, table, moments, at in wanted:
        printed = table[at]
        here = np.array([moments.mean[at], moments.sd[at]])
        claims.append(
            JudgedClaim(
                name=name,
                text=text,
                printed=Verdict.FOLLOWS if np.allclose(printed, claimed) else Verdict.FAILS,
                printed_says=f"{printed[0]:.1f} ± {printed[1]:.1f}",
                here=bool(rounds_to(here, np.array(claimed)).all()),
                here_says=f"{here[0]:.2f} ± {here[1]:.2f}",
            )
        )
    return claims


def _judge_orders(summary: Summary, article: Article) -> list[JudgedClaim]:
    """What comes first, last, or before what."""
    foreign = [row for row, cohort in enumerate(article.cohorts) if cohort not in ARTICLE.segmenters[_LUNG].native]
    kidney = [article.cohorts.index(cohort) for cohort in ("KICH", "KIRC", "KIRP")]
    colorectal = article.cohorts.index("COADREAD")

    def top(means: Floats, rows: Sequence[int], number: int) -> list[str]:
        return [article.cohorts[row] for row in sorted(rows, key=lambda row: -means[row])[:number]]

    def bottom(means: Floats) -> list[str]:
        return top(-means, range(len(means)), 3)

    def transfer(cells: Floats) -> list[str]:
        ahead = [article.cohorts[row] for row in kidney if cells[row, _LUNG] > cells[row, _KIDNEY]]
        par = abs(cells[colorectal, _LUNG] - cells[colorectal, _COLON]) <= 0.2 + HALF_DIGIT
        return [*ahead, "COADREAD"] if par else ahead

    printed, here = article.cells[..., 0], summary.cells.mean
    rows = range(len(article.cohorts))
    found = (
        ("row_top3", "OV, CHOL and THCA have the highest means", ["OV", "CHOL", "THCA"],
         top(article.rows[:, 0], rows, 3), top(summary.rows.mean, rows, 3)),
        ("row_bottom3", "KIRC, SKCM and HNSC have the lowest means", ["KIRC", "SKCM", "HNSC"],
         bottom(article.rows[:, 0]), bottom(summary.rows.mean)),
        ("lung_top5_nonnative", "lung is best on OV, CESC, ESCA, THCA and CHOL outside the lung",
         ["OV", "CESC", "ESCA", "THCA", "CHOL"],
         top(printed[:, _LUNG], foreign, 5), top(here[:, _LUNG], foreign, 5)),
        ("lung_beats_kidney_on_kidney", "lung is ahead of kidney on KICH, KIRC and KIRP, on par with colon on COADREAD",
         ["KICH", "KIRC", "KIRP", "COADREAD"], transfer(printed), transfer(here)),
    )  # fmt: skip
    return [
        JudgedClaim(
            name=name,
            text=text,
            printed=Verdict.FOLLOWS if set(in_print) == set(wanted) else Verdict.FAILS,
            printed_says=", ".join(in_print),
            here=set(at_hand) == set(wanted),
            here_says=", ".join(at_hand),
        )
        for name, text, wanted, in_print, at_hand in found
    ]


def _foreign(article: Article, place: int) -> list[int]:
    return [row for row, cohort in enumerate(article.cohorts) if cohort not in ARTICLE.segmenters[place].native]


def count_range(printed: Floats, low: float, high: float) -> tuple[int, int]:
    """How many means may lie from `low` to below `high`, fewest and most, if each rounds to its printed value."""
    surely = (printed - HALF_DIGIT >= low - 1e-9) & (printed + HALF_DIGIT <= high + 1e-9)
    maybe = (printed + HALF_DIGIT > low + 1e-9) & (printed - HALF_DIGIT < high - 1e-9)
    return int(surely.sum()), int(maybe.sum())


def _judge_count(claim: _Count, summary: Summary, article: Article) -> JudgedClaim:
    rows = _foreign(article, claim.place)
    printed, here = article.cells[rows, claim.place, 0], summary.cells.mean[rows, claim.place]
    if claim.is_excellent:
        low, high = count_range(printed, EXCELLENT, 11.0)
        as_printed, count = int((printed >= EXCELLENT).sum()), int((here >= EXCELLENT).sum())
        verdict = Verdict.FOLLOWS if low == high == claim.count else Verdict.OPEN
        verdict = verdict if low <= claim.count <= high else Verdict.FAILS
        says = f"{as_printed}" + ("" if low == high else f", {low} to {high} before rounding")
        return _judged(claim, verdict, says, count == claim.count, str(count))
    counts = {low: int(((here >= low) & (here < EXCELLENT)).sum()) for low in GOOD_CUTOFFS}
    in_print = {low: int(((printed >= low) & (printed < EXCELLENT)).sum()) for low in GOOD_CUTOFFS}
    reachable = feasible_cutoffs(printed, claim.count)
    verdict = Verdict.CUTOFF if reachable else Verdict.FAILS
    return _judged(claim, verdict, _say_counts(in_print), claim.count in counts.values(), _say_counts(counts))


def _judged(claim: _Count, printed: Verdict, printed_says: str, here: bool, here_says: str) -> JudgedClaim:
    return JudgedClaim(
        name=claim.name, text=claim.text, printed=printed, printed_says=printed_says, here=here, here_says=here_says
    )


def _say_counts(counts: dict[float, int]) -> str:
    return ", ".join(f"{count} from {low:g}" for low, count in counts.items())


def feasible_cutoffs(printed: Floats, count: int) -> list[float]:
    """The cut-offs, in hundredths, from which so many printed means may reach to below 8."""
    steps = [step / 100 for step in range(500, 800)]
    ranges = [count_range(printed, step, EXCELLENT) for step in steps]
    return [step for step, (low, high) in zip(steps, ranges, strict=True) if low <= count <= high]


def _judge_one_rule(summary: Summary, article: Article) -> JudgedClaim:
    """Whether one cut-off gives all four counts of "good"."""
    claims = [claim for claim in _COUNTS if not claim.is_excellent]
    printed = [feasible_cutoffs(article.cells[_foreign(article, it.place), it.place, 0], it.count) for it in claims]
    common = sorted(set.intersection(*(set(it) for it in printed)))
    here = summary.cells.mean
    steps = [
        step / 100
        for step in range(500, 800)
        if all(_count_here(here, article, claim, step / 100) == claim.count for claim in claims)
    ]
    natural = [cutoff for cutoff in GOOD_CUTOFFS if cutoff in common]
    return JudgedClaim(
        name="one_rule",
        text="one cut-off for good gives all four counts",
        printed=Verdict.CUTOFF if natural else Verdict.FAILS,
        printed_says=f"only a cut-off from {common[0]:.2f} to {common[-1]:.2f}" if common else "no cut-off",
        here=bool(steps),
        here_says=f"from {steps[0]:.2f} to {steps[-1]:.2f}" if steps else "no cut-off",
    )


def _count_here(means: Floats, article: Article, claim: _Count, low: float) -> int:
    column = means[_foreign(article, claim.place), claim.place]
    return int(((column >= low) & (column < EXCELLENT)).sum())
