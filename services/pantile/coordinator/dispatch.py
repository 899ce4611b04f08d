"""Dispatch: messages for waiting rows, sent after the rows were committed, and noted as sent only then."""

from dataclasses import dataclass

from pantile.catalog import outbox
from pantile.catalog.database import Connection, Database
from pantile.catalog.outbox import ChoreMessage
from pantile.domain.messages import Message, SegmentRoi, TrainSegmenter
from pantile.queue import Sender

_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """How many messages went out."""

    jobs: int = 0
    chores: int = 0
    trainings: int = 0


def dispatch(database: Database, sender: Sender, *, stale_s: float) -> Dispatched:
    """Sends a message for each waiting row that is due and has none out younger than `stale_s`.

    Of two coordinators one sends. A send that fails leaves its rows unpublished for the next call.

    Raises:
        BrokerDown, DatabaseDown: a server does not answer.
    """
    jobs = chores = trainings = 0
    while True:
        with database.transaction() as connection:
            if not outbox.may_publish(connection):
                return Dispatched(jobs=jobs, chores=chores, trainings=trainings)
            new_chores = _send_chores(connection, sender, stale_s=stale_s)
            new_jobs = _send_jobs(connection, sender, stale_s=stale_s)
            trainings += _send_trainings(connection, sender, stale_s=stale_s)
        jobs, chores = jobs + new_jobs, chores + new_chores
        if max(new_jobs, new_chores) < _AT_ONCE:
            return Dispatched(jobs=jobs, chores=chores, trainings=trainings)


def _send_jobs(connection: Connection, sender: Sender, *, stale_s: float) -> int:
    messages = outbox.due_jobs(connection, stale_s=stale_s, limit=_AT_ONCE)
    _send(sender, messages)
    outbox.mark_published(connection, "jobs", [message.job_id for message in messages])
    return len(messages)


def _send_chores(connection: Connection, sender: Sender, *, stale_s: float) -> int:
    messages = outbox.due_chores(connection, stale_s=stale_s, limit=_AT_ONCE)
    _send(sender, messages)
    outbox.mark_published(connection, "chores", [message.chore_id for message in messages])
    return len(messages)


def _send_trainings(connection: Connection, sender: Sender, *, stale_s: float) -> int:
    messages = outbox.due_trainings(connection, stale_s=stale_s, limit=_AT_ONCE)
    _send(sender, messages)
    outbox.mark_published(connection, "trainings", [message.training_id for message in messages])
    return len(messages)


def _send(sender: Sender, messages: list[SegmentRoi] | list[ChoreMessage] | list[TrainSegmenter]) -> None:
    if messages:
        sender.send(list[Message](messages))
