"""Dispatch: messages for waiting rows, sent after the rows were committed, and noted as sent only then."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pantile.catalog import outbox
from pantile.catalog.database import Connection, Database
from pantile.catalog.outbox import ChoreMessage
from pantile.domain.jobs import EVALUATE_CHORES, IMAGING_CHORES, ChoreKind
from pantile.domain.messages import Message, SegmentRoi, TrainSegmenter
from pantile.queue import EVALUATE_QUEUES, IMAGING_QUEUES, SEGMENT_QUEUES, TRAIN_QUEUES, Sender, UnderWay

_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """How many messages went out."""

    jobs: int = 0
    chores: int = 0
    trainings: int = 0


def dispatch(database: Database, sender: Sender, *, most_queued: int) -> Dispatched:
    """Sends a message for each waiting row that is due and has none out, as long as fewer than `most_queued` wait.

    That holds for jobs, chores of imaging and of evaluate workers, and trainings apart; Redis has to hold what is
    queued. Of two coordinators one sends. A send that fails leaves its rows unpublished for the next call.

    Raises:
        BrokerDown, DatabaseDown: a server does not answer.
    """
    jobs = chores = trainings = 0
    while True:
        with database.transaction() as connection:
            if not outbox.may_publish(connection):
                return Dispatched(jobs=jobs, chores=chores, trainings=trainings)
            room = partial(_room, sender.count_under_way(), most_queued)
            # Apart, so that evaluations that nobody takes never keep images waiting.
            new_chores = _send_chores(connection, sender, IMAGING_CHORES, limit=room(IMAGING_QUEUES))
            new_chores += _send_chores(connection, sender, EVALUATE_CHORES, limit=room(EVALUATE_QUEUES))
            new_jobs = _send_jobs(connection, sender, limit=room(SEGMENT_QUEUES))
            trainings += _send_trainings(connection, sender, limit=room(TRAIN_QUEUES))
        jobs, chores = jobs + new_jobs, chores + new_chores
        if max(new_jobs, new_chores) < _AT_ONCE:
            return Dispatched(jobs=jobs, chores=chores, trainings=trainings)


def _room(under_way: UnderWay, most_queued: int, queues: Sequence[str]) -> int:
    """How many messages these queues take now."""
    return max(0, min(_AT_ONCE, most_queued - under_way.queued_in(queues)))


def _send_jobs(connection: Connection, sender: Sender, *, limit: int) -> int:
    messages = outbox.due_jobs(connection, limit=limit)
    _send(sender, messages)
    outbox.mark_published(connection, "jobs", [message.job_id for message in messages])
    return len(messages)


def _send_chores(connection: Connection, sender: Sender, kinds: Sequence[ChoreKind], *, limit: int) -> int:
    messages = outbox.due_chores(connection, kinds, limit=limit)
    _send(sender, messages)
    outbox.mark_published(connection, "chores", [message.chore_id for message in messages])
    return len(messages)


def _send_trainings(connection: Connection, sender: Sender, *, limit: int) -> int:
    messages = outbox.due_trainings(connection, limit=limit)
    _send(sender, messages)
    outbox.mark_published(connection, "trainings", [message.training_id for message in messages])
    return len(messages)


def _send(sender: Sender, messages: list[SegmentRoi] | list[ChoreMessage] | list[TrainSegmenter]) -> None:
    if messages:
        sender.send(list[Message](messages))
