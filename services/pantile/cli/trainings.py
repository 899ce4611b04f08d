"""`pantile trainings`: trainings on the queue, listed, looked at, cancelled; `pantile train --queue` sends them."""

from typing import Annotated

import typer

from pantile.cli.reaching import Api, open_api
from pantile.cli.screen import duration, say, show_table
from pantile.domain.jobs import JobState
from pantile.domain.training import Training
from pantile.domain.training_text import training_document
from pantile.schemas.trainings import TrainingIn, TrainingListed, TrainingOut

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="List trainings on the queue, look at one, cancel one."
)

_Id = Annotated[int, typer.Argument(metavar="ID", min=1)]


@app.command("list")
def list_trainings(*, api: Api = "") -> None:
    """List all trainings, newest first."""
    with open_api(api) as client:
        found = client.trainings()
    if not found:
        say("There is no training yet; `pantile train CONFIG --queue` asks for one.")
        return
    columns = ("id", "segmenter", "version", "state", "epochs", "best mean Dice", "error")
    show_table(columns, [_row(each) for each in found])


def _row(training: TrainingListed) -> tuple[object, ...]:
    return (
        training.id,
        training.segmenter,
        training.version,
        training.state.value,
        f"{training.epochs_done} of {training.epochs}",
        "" if training.mean_dice is None else f"{training.mean_dice:.3f}",
        training.error or "",
    )


@app.command()
def show(training_id: _Id, *, api: Api = "") -> None:
    """Show a training with each of its epochs."""
    with open_api(api) as client:
        training = client.training(training_id)
    show_table(("", ""), _facts(training))
    if training.history:
        say("\nDice in validation")
        show_table(("epoch", "loss", "mean", *training.classes, "took"), _epochs(training))


def _facts(training: TrainingOut) -> list[tuple[str, str]]:
    facts = {
        "training": str(training.id),
        "segmenter": f"{training.segmenter} {training.version}",
        "state": training.state.value,
        "error": training.error,
        "worker": training.worker,
        "epochs": f"{training.epochs_done} of {training.epochs}",
    }
    return [(name, fact) for name, fact in facts.items() if fact]


def _epochs(training: TrainingOut) -> list[tuple[str, ...]]:
    return [
        (
            str(epoch.epoch),
            f"{epoch.loss:.4f}",
            f"{epoch.mean_dice:.3f}",
            *("-" if value is None else f"{value:.3f}" for value in epoch.dice),
            duration(epoch.seconds),
        )
        for epoch in training.history
    ]


@app.command()
def cancel(training_id: _Id, *, api: Api = "") -> None:
    """Cancel a training that is not done; asked for again, it goes on where it was."""
    with open_api(api) as client:
        training = client.cancel_training(training_id)
    name = f"training {training.id} of {training.segmenter} {training.version}"
    if training.state is JobState.CANCELLED:
        say(f"Cancelled {name}.")
    else:
        say(f"Nothing to cancel: {name} has {training.state.value}.")


def send_training(training: Training, api: str) -> None:
    """Asks for a training, and says so."""
    with open_api(api) as client:
        added = client.add_training(TrainingIn(document=training_document(training)))
    asked = added.training
    begin = "Asked for" if added.added else "Already asked for:"
    say(f"{begin} training {asked.id} of {asked.segmenter} {asked.version}, {asked.state.value}.")
