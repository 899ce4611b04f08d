"""The one tree of errors. A class docstring is the sentence a person reads; the detail says what it met.

`InputRefused` and its children are answered to whoever sent the input. `JobFailed` and its children fail a job and are
stored with it. Everything else is trouble around the work: the job goes back and is tried again.
"""

from inspect import cleandoc


class PantileError(Exception):
    """Pantile cannot do this."""

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


class SegmenterUnknown(InputRefused):
    """No such segmenter is registered."""


class SegmenterWithoutCheckpoint(InputRefused):
    """The segmenter has no checkpoint yet."""


class RoiConflict(InputRefused):
    """An ROI of this identity is already there with another image or mpp."""


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


class CohortNotFound(PantileError):
    """There is no such cohort."""


class CohortNotPaused(PantileError):
    """Only a paused cohort can be resumed."""


class JobNotFound(PantileError):
    """There is no such job."""


class TrainingNotFound(PantileError):
    """There is no such training."""


class JobNotRetryable(PantileError):
    """Only a failed or cancelled job can be tried again."""


class JobFailed(PantileError):
    """The job cannot be done."""


class ImageRefused(JobFailed):
    """The image cannot be used."""


class ImageUnreadable(ImageRefused):
    """The image cannot be read."""


class ImageTooLarge(ImageRefused):
    """The image is larger than the limit."""


class ImageUnreachable(JobFailed):
    """The image cannot be fetched from its address."""


class SegmenterBroken(JobFailed):
    """The segmenter cannot be run."""


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


class FileRefused(InputRefused):
    """The file cannot be read or written."""


class ExtraMissing(PantileError):
    """This needs a part of Pantile that is not installed."""


class ObjectMissing(PantileError):
    """The object is not in the bucket."""


class ObjectCorrupt(PantileError):
    """The object's bytes are not those that were stored."""


class LeaseLost(PantileError):
    """The lease on this work has ended; somebody else owns it now."""


class StackError(PantileError):
    """The embedded stack cannot do this."""
