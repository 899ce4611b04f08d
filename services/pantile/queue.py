"""The queue: Celery's one configuration, and the sender of messages. The only home of Celery on this side.

Each setting's reason is in docs/decisions/0002-queue.md. PostgreSQL is the truth, a message only a hint, so nothing
here retries for long: a message that could not be sent leaves its row unpublished, and the coordinator sends it again.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import BatchPublishError, OperationalError
from redis import Redis
from redis.exceptions import RedisError

from pantile.domain.errors import BrokerDown, SettingRefused
from pantile.domain.messages import Message
from pantile.metrics import BROKER_SECONDS, SERVER_ERRORS
from pantile.settings import Settings

KEY_PREFIX = "pantile:"

SEGMENT_QUEUES = ("segment.interactive", "segment.bulk")
IMAGING_QUEUES = ("imaging",)
EVALUATE_QUEUES = ("evaluate",)
TRAIN_QUEUES = ("train",)
QUEUES = (*SEGMENT_QUEUES, *IMAGING_QUEUES, *EVALUATE_QUEUES, *TRAIN_QUEUES)

_BATCH = 500

_CONFIGURATION: dict[str, Any] = {
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_pool_limit": 32,
    "broker_pool_acquire_timeout": 10,
    "broker_transport_options": {
        "visibility_timeout": 900,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "priority_steps": [0],
        "queue_order_strategy": "priority",
        "global_keyprefix": KEY_PREFIX,
        "client_name": "pantile",
    },
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "task_acks_late": True,
    "task_reject_on_worker_lost": False,
    "task_publish_retry": True,
    "task_publish_retry_policy": {"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 1},
    "task_create_missing_queues": False,
    "task_default_queue": "segment.bulk",
    "task_queues": [Queue(name) for name in QUEUES],  # type: ignore[no-untyped-call]  # kombu types no constructors
    "worker_prefetch_multiplier": 1,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_enable_prefetch_count_reduction": False,
    "worker_soft_shutdown_timeout": 0.0,
    "worker_send_task_events": True,
    "task_send_sent_event": False,
    "task_track_started": True,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "timezone": "UTC",
}


def make_celery(settings: Settings) -> Celery:
    """The Celery application, for senders, workers and Flower alike."""
    app = Celery("pantile", broker=settings.broker_url.get_secret_value(), set_as_current=False)
    app.conf.update(_CONFIGURATION)
    return app


_FLOWER = (
    "--max-tasks=200000",
    "--persistent=True",
    "--state-save-interval=60000",
    "--purge-offline-workers=600",
    # The workers send events of their own accord: no need to ask them every 5 s.
    "--enable-events=False",
    # The keyword arguments name ROI and segmenter, and 2.2 leaves them out unless asked.
    "--tasks-columns=name,kwargs,state,received,started,runtime,worker,uuid",
    "--task-runtime-metric-buckets=0.05,0.1,0.25,0.5,1,2,5,10,30,inf",
)


def run_flower(settings: Settings, arguments: Sequence[str]) -> None:
    """Runs Flower until told to stop; what it has seen is kept in the settings' home folder.

    Raises:
        SettingRefused: it has no password: it shows the study's names, and can stop workers.
    """
    password = settings.flower_password.get_secret_value()
    if not password:
        raise SettingRefused("PANTILE_FLOWER_PASSWORD is not set, and Flower is never open to all")
    # Flower shows its metrics to whoever asks, names of tasks and workers among them; ours are elsewhere.
    from flower.urls import handlers  # noqa: PLC0415 — Tornado only where Flower runs
    from flower.views.monitor import Metrics  # noqa: PLC0415

    handlers.remove(("/metrics", Metrics))
    # By the environment, out of sight of `ps`.
    os.environ["FLOWER_BASIC_AUTH"] = f"pantile:{password}"
    settings.home.mkdir(parents=True, exist_ok=True)
    kept_in = settings.home / "flower.db"
    make_celery(settings).start(["flower", *_FLOWER, f"--db={kept_in}", *arguments])


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """Messages by queue, and those that were delivered and not yet acknowledged, whatever queue they came from."""

    queued: Mapping[str, int]
    unacknowledged: int

    @property
    def messages(self) -> int:
        """All of them."""
        return sum(self.queued.values()) + self.unacknowledged

    def queued_in(self, queues: Iterable[str]) -> int:
        """How many are in these queues."""
        return sum(self.queued[queue] for queue in queues)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSigns:
    """How Redis fares: its memory (`most_bytes` 0: no limit), and whether it may lose messages."""

    version: str
    used_bytes: int
    most_bytes: int
    evicts: bool
    keeps_a_log: bool
    evicted: int


class Sender:
    """Sends messages, and tells how many are under way."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_celery(settings)
        self._redis = Redis.from_url(
            settings.broker_url.get_secret_value(), socket_timeout=10, socket_connect_timeout=5
        )

    def send(self, messages: Sequence[Message]) -> None:
        """Sends messages by task name, in batches.

        Raises:
            BrokerDown: Redis does not answer; some of the messages may be out nevertheless.
        """
        try:
            with (
                BROKER_SECONDS.labels("send").time(),
                self._app.producer_or_acquire() as producer,
                producer.batch(max_size=_BATCH),
            ):
                for message in messages:
                    self._app.send_task(
                        message.TASK, kwargs=message.kwargs(), queue=message.QUEUE, producer=producer, retry=False
                    )
        except (OperationalError, BatchPublishError, RedisError, OSError) as error:
            SERVER_ERRORS.labels("broker").inc()
            raise BrokerDown(str(error)) from error

    def count_under_way(self) -> UnderWay:
        """The messages that are queued, or delivered and not yet acknowledged; raises `BrokerDown`."""
        try:
            with BROKER_SECONDS.labels("count").time(), self._redis.pipeline(transaction=False) as pipeline:
                for queue in QUEUES:
                    pipeline.llen(KEY_PREFIX + queue)
                pipeline.hlen(KEY_PREFIX + "unacked")
                *queued, unacknowledged = pipeline.execute()
            return UnderWay(queued=dict(zip(QUEUES, queued, strict=True)), unacknowledged=unacknowledged)
        except (RedisError, OSError) as error:
            SERVER_ERRORS.labels("broker").inc()
            raise BrokerDown(str(error)) from error

    def read_vital_signs(self) -> BrokerSigns:
        """How Redis fares; raises `BrokerDown`."""
        try:
            facts: dict[str, Any] = self._redis.info()
        except (RedisError, OSError) as error:
            raise BrokerDown(str(error)) from error
        return BrokerSigns(
            version=str(facts.get("valkey_version") or facts["redis_version"]),
            used_bytes=int(facts["used_memory"]),
            most_bytes=int(facts.get("maxmemory", 0)),
            evicts=facts.get("maxmemory_policy") != "noeviction",
            keeps_a_log=bool(facts.get("aof_enabled")),
            evicted=int(facts.get("evicted_keys", 0)),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._app.close()
        self._redis.close()
