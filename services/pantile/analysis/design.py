"""What a study compares: its segmenters, where each is at home, and what counts as a good score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pantile.domain.errors import InputRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySegmenter:
    """A segmenter as a study's tables know it."""

    number: int
    """Its place in the study: `model3` in the study's files."""

    name: str
    colour: str
    """As #RRGGBB."""

    native: frozenset[str]
    """The cohorts it was trained on, by their short names."""

    @property
    def title(self) -> str:
        """Its name at the head of a column."""
        return self.name[:1].upper() + self.name[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The segmenters of a study, in the order of its tables."""

    segmenters: tuple[StudySegmenter, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """The segmenters' titles."""
        return tuple(segmenter.title for segmenter in self.segmenters)

    def place_of(self) -> Mapping[str, int]:
        """The column of a segmenter by what files call it: model1, breast."""
        places: dict[str, int] = {}
        for place, segmenter in enumerate(self.segmenters):
            places[f"model{segmenter.number}"] = places[segmenter.name.lower()] = place
        return places


ARTICLE = Design(
    segmenters=(
        StudySegmenter(number=1, name="breast", colour="#0077BB", native=frozenset({"BRCA"})),
        StudySegmenter(number=2, name="colon", colour="#33BBEE", native=frozenset({"COADREAD"})),
        StudySegmenter(number=3, name="lung", colour="#009988", native=frozenset({"LUAD", "LUSC"})),
        StudySegmenter(number=4, name="kidney", colour="#EE7733", native=frozenset({"KICH", "KIRC", "KIRP"})),
        StudySegmenter(number=5, name="prostate", colour="#CC3311", native=frozenset({"PRAD"})),
    )
)
"""The article's five, with the colours of its figures."""

OTHER_COLOURS = ("#AA4499", "#DDCC77", "#882255", "#117733", "#332288", "#999933", "#44AA99", "#CC6677")
"""Tol's muted colours, for segmenters that are not the article's."""


def make_design(segmenters: Sequence[tuple[int, str, Sequence[str]]]) -> Design:
    """The segmenters of any study, each by its number, name and the cohorts it was trained on."""
    known = {it.name: it.colour for it in ARTICLE.segmenters}
    others = iter(OTHER_COLOURS * (1 + len(segmenters) // len(OTHER_COLOURS)))
    return Design(
        segmenters=tuple(
            StudySegmenter(
                number=number,
                name=name,
                colour=known.get(name) or next(others),
                native=frozenset(cohort_name(cohort) for cohort in native),
            )
            for number, name, native in segmenters
        )
    )


_ONE_ROW = {"COAD": "COADREAD", "READ": "COADREAD"}


def cohort_name(project: str) -> str:
    """A cohort's short name; colon and rectum are one, as in the article: TCGA-READ is COADREAD."""
    short = project.strip().removeprefix("TCGA-")
    return _ONE_ROW.get(short.upper(), short)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A range of scores with its name; the upper end belongs to the next category."""

    name: str
    low: float
    high: float


DEFAULT_CUTOFFS = (("poor", 0.0), ("moderate/good", 5.0), ("excellent", 8.0))
"""The study's code: poor 0 to below 5, moderate/good 5 to below 8, excellent 8 to 10."""


def categories(cutoffs: Sequence[tuple[str, float]] = DEFAULT_CUTOFFS) -> tuple[Category, ...]:
    """Categories by name and lower end, from the lowest up.

    Raises:
        InputRefused: the lower ends do not begin with 0, do not rise, or go beyond 10.
    """
    ends = [low for _, low in cutoffs]
    if not ends or ends[0] != 0 or ends[-1] > 10 or any(a >= b for a, b in pairwise(ends)):
        raise InputRefused(f"cut-offs have to begin with 0, to rise, and to stay within 10; got {ends}")
    highs = [*ends[1:], 10.000001]
    return tuple(Category(name=name, low=low, high=high) for (name, low), high in zip(cutoffs, highs, strict=True))


def parse_cutoffs(text: str) -> tuple[Category, ...]:
    """Categories as one types them: `poor=0,good=5,excellent=8`.

    Raises:
        InputRefused: it is not of that form.
    """
    pairs: list[tuple[str, float]] = []
    for part in text.split(","):
        name, _, low = part.partition("=")
        try:
            pairs.append((name.strip(), float(low)))
        except ValueError as error:
            raise InputRefused(f"{part!r} is no cut-off; write poor=0,good=5,excellent=8") from error
    return categories(pairs)
