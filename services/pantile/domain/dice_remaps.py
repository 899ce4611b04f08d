"""Remaps for Dice: the way from a segmenter's classes to background, tumor and tumor stroma, by protocol and cohort.

The study's are data: they stand in the cards, under `dice_remaps`. What a card does not state is inferred, and marked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pantile.domain.class_maps import ClassGroup
from pantile.domain.dice import DiceProtocol, Target
from pantile.domain.segmenters import Card

_PROJECTS = {"COAD": "COADREAD", "READ": "COADREAD", "LUAD": "LUNG", "LUSC": "LUNG"}
"""Projects that the published code evaluates together."""

_PROSTATE = "PRAD"

_GROUPS: Mapping[DiceProtocol, Mapping[ClassGroup, Target]] = {
    # "various epithelial classes were mapped to the tumor class" (the article, Methods).
    DiceProtocol.ARTICLE: {
        ClassGroup.TUMOR: Target.TUMOR,
        ClassGroup.BENIGN_EPITHELIUM: Target.TUMOR,
        ClassGroup.TUMOR_STROMA: Target.TUMOR_STROMA,
    },
    DiceProtocol.PUBLISHED_CODE: {
        ClassGroup.TUMOR: Target.TUMOR,
        ClassGroup.TUMOR_STROMA: Target.TUMOR_STROMA,
    },
}


class RemapOrigin(StrEnum):
    """Where a remap comes from: it is `stated` for this cohort, or `inferred` from what is stated, or from groups."""

    STATED = "stated"
    INFERRED = "inferred"
    GROUPS = "groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiceRemap:
    """The target of each of a segmenter's class indices."""

    targets: Mapping[int, int]
    origin: RemapOrigin

    @property
    def is_stated(self) -> bool:
        """Whether the study (or the segmenter's author) says so itself."""
        return self.origin is RemapOrigin.STATED


def published_cohort(cohort: str) -> str:
    """The name under which the published code evaluates a cohort: TCGA-LUAD is LUNG, TCGA-READ is COADREAD."""
    project = cohort.upper().removeprefix("TCGA-")
    return _PROJECTS.get(project, project)


def takes_benign(protocol: DiceProtocol, cohort: str) -> bool:
    """Whether target 2 means benign tissue, as it does for the published code in prostate cohorts."""
    return protocol is DiceProtocol.PUBLISHED_CODE and published_cohort(cohort) == _PROSTATE


def find_dice_remap(card: Card, protocol: DiceProtocol, cohort: str) -> DiceRemap:
    """A segmenter's remap under a protocol in a cohort.

    Stated for the cohort, or for every cohort; else inferred, from the card's own inference (`<protocol>_inferred`), or
    for the published code from the one remap that its cohorts share but for the prostate's; else from the groups of
    the card's classes.
    """
    key = protocol.replace("-", "_")
    stated = card.dice_remaps.get(key, {})
    for name in (published_cohort(cohort), "*"):
        if name in stated:
            return DiceRemap(targets=stated[name], origin=RemapOrigin.STATED)
    inferred = card.dice_remaps.get(f"{key}_inferred", {}).get("*") or _shared(stated)
    if inferred:
        return DiceRemap(targets=inferred, origin=RemapOrigin.INFERRED)
    return DiceRemap(targets=_from_groups(card, protocol, cohort), origin=RemapOrigin.GROUPS)


def _shared(stated: Mapping[str, Mapping[int, int]]) -> Mapping[int, int] | None:
    others = [targets for cohort, targets in stated.items() if cohort != _PROSTATE]
    return others[0] if others and all(targets == others[0] for targets in others) else None


def _from_groups(card: Card, protocol: DiceProtocol, cohort: str) -> dict[int, int]:
    targets = _GROUPS[protocol]
    rest = Target.TUMOR_STROMA if takes_benign(protocol, cohort) else Target.BACKGROUND
    return {
        tissue.index: int(
            Target.BACKGROUND if tissue.group is ClassGroup.BACKGROUND else targets.get(tissue.group, rest)
        )
        for tissue in card.scheme.classes
    }
