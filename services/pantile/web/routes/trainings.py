"""Trainings: asked for, listed, looked at, cancelled."""

from fastapi import APIRouter, Response

from pantile.catalog import trainings
from pantile.domain.training_text import training_from
from pantile.schemas.trainings import TrainingAdded, TrainingIn, TrainingList, TrainingOut
from pantile.web.answers import training_listed, training_out
from pantile.web.errors import problems
from pantile.web.given import GivenActor, GivenDatabase, GivenSettings, TrainingPath

router = APIRouter(prefix="/trainings", tags=["trainings"])


@router.get("", summary="List trainings")
def list_trainings(database: GivenDatabase) -> TrainingList:
    """All trainings, newest first."""
    with database.transaction() as connection:
        return TrainingList(trainings=[training_listed(row) for row in trainings.list_trainings(connection)])


@router.get("/{training_id}", summary="Show a training", responses=problems(404))
def show_training(training_id: TrainingPath, database: GivenDatabase) -> TrainingOut:
    """A training with its epochs and, once it is done, its report."""
    with database.transaction() as connection:
        return training_out(trainings.get_training(connection, training_id))


@router.post(
    "",
    status_code=201,
    summary="Ask for a training",
    response_description="It is new, or waits again after it had failed or was cancelled.",
    responses={200: {"model": TrainingAdded, "description": "It was asked for already."}},
)
def add_training(
    wanted: TrainingIn, response: Response, actor: GivenActor, database: GivenDatabase, settings: GivenSettings
) -> TrainingAdded:
    """Lets a train worker train a segmenter and register it. The worker reads the tissue at the paths given."""
    training = training_from(wanted.document)
    with database.transaction() as connection:
        training_id, is_new = trainings.add_training(
            connection, training, max_attempts=settings.max_attempts, actor=actor
        )
        row = trainings.get_training(connection, training_id)
    if not is_new:
        response.status_code = 200
    return TrainingAdded(training=training_out(row), added=is_new)


@router.post("/{training_id}/cancel", summary="Cancel a training", responses=problems(404))
def cancel_training(training_id: TrainingPath, actor: GivenActor, database: GivenDatabase) -> TrainingOut:
    """Ends a training that is not done. What it has learned is kept a while: asked for again, it goes on from there."""
    with database.transaction() as connection:
        return training_out(trainings.cancel_training(connection, training_id, actor=actor))
