"""The one tree of errors. A class docstring is the sentence a person reads; the detail says what it met.

`InputRefused` and its children are answered to whoever sent the input. `JobFailed` and its children fail a job and are
stored with it. Everything else is trouble around the work: the job goes back and is tried again.
"""

from collections.abc import Mapping, Sequence
from inspect import cleandoc
from types import MappingProxyType
from typing import Self

_PROBLEMS_TOLD = 10


class PantileError(Exception):
    """Pantile cannot do this."""

    members: Mapping[str, object] = MappingProxyType({})
    """What an answer of the API tells besides the sentence."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        """The class's sentence, followed by the detail."""
        sentence = cleandoc(type(self).__doc__ or "")
        return f"{sentence.removesuffix('.')}: {self.detail}" if self.detail else sentence


class InputRefused(PantileError):
    """The input cannot be taken."""


class ManifestRefused(InputRefused):
    """The manifest cannot be taken."""

    problems: tuple[str, ...] = ()
    """What is wrong, each with its lines, where that is the reason."""


class MppMissing(InputRefused):
    """The image has no mpp, neither in the manifest nor in its name."""


class MppOutOfRange(InputRefused):
    """The mpp is not between 0.05 and 5 microns per pixel."""


class CardRefused(InputRefused):
    """The segmenter's card cannot be taken."""


class CheckpointRefused(InputRefused):
    """The checkpoint does not fit its card."""


class CheckpointUnreadable(CheckpointRefused):
    """The checkpoint cannot be read."""


class CheckpointUnsafe(CheckpointRefused):
    """The checkpoint wants to run code and is refused; nothing in it was run."""


class AdmissionImpossible(InputRefused):
    """Mixed precision cannot be measured."""


class SettingsRefused(InputRefused):
    """The engine settings cannot be taken."""


class TrainingRefused(InputRefused):
    """The training cannot be done as it is asked for."""


class ScoresRefused(InputRefused):
    """The scores cannot be taken."""

    problems: tuple[str, ...] = ()
    """What is wrong, each with its line, where that is the reason."""

    @classmethod
    def by_line(cls, problems: Sequence[str], *, file: str = "") -> Self:
        """A refusal that tells the first ten problems and counts the others."""
        more = len(problems) - _PROBLEMS_TOLD
        told = "; ".join(problems[:_PROBLEMS_TOLD]) + (f"; and {more:,} more" if more > 0 else "")
        refused = cls(f"{file}, {told}" if file else told)
        refused.problems = tuple(problems)
        return refused


class SegmenterUnknown(InputRefused):
    """No such segmenter is registered."""


class SegmenterWithoutCheckpoint(InputRefused):
    """The segmenter has no checkpoint yet."""


class SlideRefused(InputRefused):
    """The slide cannot be taken."""


class GdcRefused(InputRefused):
    """The Genomic Data Commons cannot be asked for this."""


class AnnotationsRefused(InputRefused):
    """The annotations cannot be taken."""


class CellsRefused(InputRefused):
    """The cells cannot be taken."""


class PseudonymImpossible(InputRefused):
    """The name cannot be replaced by a pseudonym."""


class RoiConflict(InputRefused):
    """An ROI of this identity is already there with another image or mpp."""


class CaseWithdrawn(InputRefused):
    """The case was withdrawn."""


class GroundTruthRefused(InputRefused):
    """The ground truth cannot be taken."""


class ClassMapRefused(InputRefused):
    """The class map cannot be taken."""


class UploadMissing(InputRefused):
    """The upload has not arrived."""


class AccountRefused(InputRefused):
    """The account cannot be taken."""


class AccountExists(InputRefused):
    """There is an account of this name already."""


class PasswordRefused(InputRefused):
    """The password cannot be taken."""


class TokenRefused(InputRefused):
    """The token cannot be made."""


class StudyRefused(InputRefused):
    """The study cannot be taken."""


class StudyExists(InputRefused):
    """There is a study of this name already."""


class StudyClosed(InputRefused):
    """The study's state does not allow this."""


class ScoreOutOfRange(InputRefused):
    """A score is a whole number from 0 to 10."""


class AnswerRefused(InputRefused):
    """The answer cannot be taken."""


class PreferencesRefused(InputRefused):
    """The preferences cannot be kept."""


class KeyReused(InputRefused):
    """The Idempotency-Key was used for something else."""


class AdjudicationClosed(InputRefused):
    """The adjudication cannot be changed."""


class AssignmentRefused(InputRefused):
    """The cases cannot be assigned."""


class NotSignedIn(PantileError):
    """This needs an API token, or a sign-in."""


class NotAllowed(PantileError):
    """This is not allowed."""


class SignInRefused(PantileError):
    """The sign-in is refused."""


class TooManyAttempts(PantileError):
    """There were too many attempts to sign in: wait a quarter of an hour."""


class AccountNotFound(PantileError):
    """There is no such account."""


class TokenNotFound(PantileError):
    """There is no such token."""


class SessionNotFound(PantileError):
    """There is no such session."""


class SubjectNotFound(PantileError):
    """There is no such case, slide or ROI."""


class CohortNotFound(PantileError):
    """There is no such cohort."""


class CohortNotOpen(PantileError):
    """Only an open cohort can be paused."""


class CohortNotPaused(PantileError):
    """Only a paused cohort can be resumed."""


class JobNotFound(PantileError):
    """There is no such job."""


class SlideNotFound(PantileError):
    """There is no such slide."""


class SlideNotReady(PantileError):
    """The slide is not ready for this."""


class PlacingConflict(PantileError):
    """The rectangles on the slide were changed meanwhile."""

    def __init__(self, current: Mapping[str, object]) -> None:
        super().__init__(f"they are at version {current['version']} now")
        self.members = {"current": dict(current)}


class PlacingEmpty(PantileError):
    """There is no rectangle on the slide to be cut out."""


class ReportNotFound(PantileError):
    """No report of this study was made yet."""


class TrainingNotFound(PantileError):
    """There is no such training."""


class WorkerNotFound(PantileError):
    """There is no such worker, or it has ended."""


class StudyNotFound(PantileError):
    """There is no such study, or you are not in it."""


class ReadingNotFound(PantileError):
    """There is no such case."""


class OutputNotFound(PantileError):
    """The case has no such output."""


class NothingLeft(PantileError):
    """There is nothing left to score."""


class ReadingClosed(PantileError):
    """The case is not open."""


class OutputMissing(PantileError):
    """The segmenter gave no output for this ROI, and there is nothing to score."""


class ReadingIncomplete(PantileError):
    """Something of the case is not scored yet."""

    def __init__(self, unscored: Sequence[str]) -> None:
        super().__init__(f"{len(unscored)} of its outputs")
        self.members = {"unscored": list(unscored)}


class ScoreConflict(PantileError):
    """The score was changed meanwhile."""

    def __init__(self, current: Mapping[str, object]) -> None:
        super().__init__(f"it is at version {current['version']} now")
        self.members = {"current": dict(current)}


class AdjudicationNotFound(PantileError):
    """The study has no such adjudication."""


class MemberNotFound(PantileError):
    """The study has no such member."""


class ViewerNotBuilt(PantileError):
    """The scoring page is not there: `make setup` builds it; installed wheels and images have it."""


class TileNotFound(PantileError):
    """There is no such tile."""


class TilesAwaited(PantileError):
    """The image's tiles are still being made: try again in a moment."""


class GroundTruthNotFound(PantileError):
    """There is no such ground truth."""


class JobNotRetryable(PantileError):
    """Only a failed or cancelled job can be tried again."""


class JobNotCancellable(PantileError):
    """Only a waiting or running job can be cancelled."""


class JobFailed(PantileError):
    """The job cannot be done."""


class ImageRefused(JobFailed):
    """The image cannot be used."""


class ImageUnreadable(ImageRefused):
    """The image cannot be read."""


class ImageTooLarge(ImageRefused):
    """The image is larger than the limit."""


class WholeSlideRefused(JobFailed):
    """The whole slide cannot be segmented like this."""


class SlideUnreadable(ImageRefused):
    """The slide cannot be read."""


class ImageUnreachable(JobFailed):
    """The image cannot be fetched from its address."""


class SegmenterBroken(JobFailed):
    """The segmenter cannot be run."""


class GroundTruthUnusable(JobFailed):
    """The ground truth cannot be used."""


class ReportImpossible(JobFailed):
    """The report cannot be made."""


class TrainingFailed(JobFailed):
    """The training cannot be done."""


class AttemptsUsedUp(JobFailed):
    """The job was tried as often as allowed."""


class ServiceDown(PantileError):
    """A service that Pantile needs does not answer."""


class ProviderDown(ServiceDown):
    """The sign-in provider does not answer, or not as it should."""


class DatabaseDown(ServiceDown):
    """PostgreSQL does not answer, or not in time."""


class BrokerDown(ServiceDown):
    """Redis does not answer."""


class ObjectStoreDown(ServiceDown):
    """The object store does not answer."""


class ObjectRefused(ObjectStoreDown):
    """The object store refuses this."""


class ApiDown(ServiceDown):
    """The Pantile web service does not answer."""


class ApiUnwell(ServiceDown):
    """The Pantile web service cannot do this at present."""


class GdcDown(ServiceDown):
    """The Genomic Data Commons does not answer."""


class TransferFailed(ServiceDown):
    """Not all files could be transferred."""


class ApiRefused(InputRefused):
    """The Pantile web service refuses this."""

    def __str__(self) -> str:
        """The web service's own sentence."""
        return self.detail or super().__str__()


class ApiClosed(ApiRefused):
    """The Pantile web service does not know this API token."""

    def __str__(self) -> str:
        """The web service's own sentence, and what to do."""
        said = super().__str__().removesuffix(".")
        return f"{said}. Name a valid token in PANTILE_API_TOKEN; an admin makes one with `pantile tokens create`."


class ApiUnknown(InputRefused):
    """No Pantile is known here: start one with `pantile up`, or name one with --api or PANTILE_API_URL."""


class SettingRefused(InputRefused):
    """A setting cannot be taken."""


class RestoreRefused(InputRefused):
    """The backup cannot be restored."""


class FileRefused(InputRefused):
    """The file cannot be read or written."""


class ExtraMissing(PantileError):
    """This needs a part of Pantile that is not installed."""


class ObjectMissing(PantileError):
    """The object is not in the bucket."""


class ObjectCorrupt(PantileError):
    """The object's bytes are not those that were stored."""


class PyramidBroken(ObjectCorrupt):
    """The pyramid's file is not as it should be."""


class LeaseLost(PantileError):
    """The lease on this work has ended; somebody else owns it now."""


class StackError(PantileError):
    """The embedded stack cannot do this."""
