"""The bar on top of every page: where whoever is signed in may go."""

from dataclasses import dataclass

from pantile.domain.access import Scope, Visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A place that the bar leads to, and the scope that it takes."""

    label: str
    address: str
    scope: Scope | None = None


WAYS = (
    Way(label="Cohorts", address="/cohorts", scope=Scope.READ),
    Way(label="Gallery", address="/gallery", scope=Scope.READ),
    Way(label="Failures", address="/failures", scope=Scope.READ),
    Way(label="Segmenters", address="/segmenters", scope=Scope.READ),
    Way(label="Workers", address="/workers", scope=Scope.READ),
    Way(label="Submit", address="/submit", scope=Scope.SUBMIT),
    Way(label="Slides", address="/slides", scope=Scope.READ),
    Way(label="Studies", address="/studies"),
)


def ways_for(visitor: Visitor | None) -> list[Way]:
    """The places that are open to a visitor; the gate refuses the others by itself."""
    held = visitor.scopes if visitor else frozenset()
    return [way for way in WAYS if way.scope is None or way.scope in held]
