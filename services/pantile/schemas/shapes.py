"""What every request and every answer of the API is, and how a refusal is told."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

_MOST_FIELDS = 50
MAX_BIGINT = 2**63 - 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Ask(BaseModel):
    """A request: what it names is known, or it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_floods(cls, given: object) -> object:
        """Each unknown field is an error of its own, of which two million take two gigabytes."""
        if isinstance(given, dict) and len(given) > _MOST_FIELDS:
            raise ValueError(f"it has {len(given)} fields, and {len(cls.model_fields)} are known")
        return given


class Shape(BaseModel):
    """An answer: an older client passes over what a newer service adds."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it; `detail` is the sentence for a person."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
