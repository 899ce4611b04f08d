"""Findings: what an examination of the system found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad a finding is: nothing works by a fault, and a warning wants to be looked at."""

    WELL = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: what was seen and, unless it is well, what to do."""

    subject: str
    seen: str
    verdict: Verdict = Verdict.WELL
    remedy: str = ""


def well(subject: str, seen: str) -> Finding:
    """Nothing to do."""
    return Finding(subject=subject, seen=seen)


def warning(subject: str, seen: str, remedy: str) -> Finding:
    """Something works, and wants to be looked at."""
    return Finding(subject=subject, seen=seen, verdict=Verdict.WARNING, remedy=remedy)


def fault(subject: str, seen: str, remedy: str) -> Finding:
    """Something does not work."""
    return Finding(subject=subject, seen=seen, verdict=Verdict.FAULT, remedy=remedy)
