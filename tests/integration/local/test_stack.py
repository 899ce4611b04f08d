"""The embedded stack's servers, and how the stack starts, watches and ends what it runs."""

import os
import socket
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped, unused-ignore]
import psycopg
import pytest
from pydantic import SecretStr
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from pantile.catalog.database import Database
from pantile.catalog.tokens import admit_token, revoke_token
from pantile.client.api import ApiClient
from pantile.domain.access import Scope
from pantile.domain.errors import NotSignedIn, SettingRefused, StackError
from pantile.local.children import ProcessIdentity
from pantile.local.processes import Process, our_processes
from pantile.local.servers import RedisKind, redis_program
from pantile.local.shutdown import stop_stack
from pantile.local.stack import Stack
from pantile.local.state import find_stack, read_state, write_state
from pantile.objects import ObjectStore
from pantile.queue import run_flower

TOUCH_AND_SLEEP = "import os, pathlib, time; pathlib.Path(os.environ['PANTILE_READY_FILE']).touch(); time.sleep(600)"
HANG = (
    "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen(['sleep', '600'], preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN));"
) + TOUCH_AND_SLEEP
SERVE = "import os, http.server as s; s.test(s.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"


def python(name: str, code: str, health_path: str = "") -> Process:
    return Process(name=name, command=(sys.executable, "-c", code), health_path=health_path)


def test_postgres_wants_its_password_and_keeps_what_it_says_it_has_written(home: Path) -> None:
    with Stack(home, processes=[]) as stack:
        url = stack.settings().database_url.get_secret_value()

        with psycopg.connect(url) as connection:
            encoding = connection.execute("SHOW server_encoding").fetchone()
            fsync = connection.execute("SHOW fsync").fetchone()

        assert (encoding, fsync) == (("UTF8",), ("on",))
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url, password="wrong")


def test_redis_wants_its_password_and_keeps_messages_on_disk(home: Path) -> None:
    with Stack(home, processes=[]) as stack:
        client = Redis.from_url(stack.settings().broker_url.get_secret_value(), decode_responses=True)

        kept = {name: client.config_get(name)[name] for name in ("appendonly", "appendfsync", "maxmemory-policy")}

        assert kept == {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
        with pytest.raises(AuthenticationError):
            Redis(host="127.0.0.1", port=stack.state.ports["redis"], retry=Retry(NoBackoff(), 0)).ping()


def test_s3_refuses_strangers(home: Path) -> None:
    with Stack(home, processes=[]) as stack:
        answer = httpx.get(f"{stack.settings().s3_endpoint}/pantile/x")

        assert answer.status_code in {400, 403}


def test_what_one_client_puts_or_deletes_another_sees_at_once(home: Path) -> None:
    with Stack(home, processes=[]) as stack:
        writer, reader = (ObjectStore.from_settings(stack.settings()) for _ in range(2))
        writer.create_bucket()

        def put_read_delete(number: int) -> tuple[bool, bool, bool]:
            key, body = f"rois/{number % 5}/{number:03}", os.urandom(2000 + number)
            writer.put(key, body, media_type="image/png")
            is_read = reader.get(key) == body
            is_listed = list(reader.keys(key)) == [key]
            writer.delete(key)
            return is_read, is_listed, reader.size(key) is None and list(reader.keys(key)) == []

        with ThreadPoolExecutor(8) as threads:
            seen = set(threads.map(put_read_delete, range(100)))

        assert seen == {(True, True, True)}


def test_rows_messages_ports_and_credentials_outlive_a_restart(home: Path) -> None:
    with Stack(home, processes=[]) as first:
        before = first.settings()
        with psycopg.connect(before.database_url.get_secret_value()) as connection:
            connection.execute("CREATE TABLE kept (value int)")
        Redis.from_url(before.broker_url.get_secret_value()).set("kept", "1")

    with Stack(home, processes=[]) as second:
        after = second.settings()
        with psycopg.connect(after.database_url.get_secret_value()) as connection:
            rows = connection.execute("SELECT count(*) FROM kept").fetchone()
        message = Redis.from_url(after.broker_url.get_secret_value(), decode_responses=True).get("kept")

    assert after == before
    assert (rows, message) == ((0,), "1")


def test_a_port_that_somebody_else_has_is_chosen_anew(home: Path) -> None:
    with Stack(home, processes=[]) as first:
        port = first.state.ports["s3"]
    with socket.create_server(("127.0.0.1", port)), Stack(home, processes=[]) as second:
        assert second.state.ports["s3"] != port


def test_two_stacks_do_not_choose_the_same_ports_before_anything_listens_there(home: Path) -> None:
    with Stack(home / "one", processes=[]) as one, Stack(home / "two", processes=[]) as two:
        assert set(one.state.ports.values()).isdisjoint(two.state.ports.values())


def test_a_long_path_with_spaces_will_do(home: Path) -> None:
    long = home / "a folder with a name of some length" / ("x" * 120)

    with Stack(long, processes=[]) as stack:
        assert stack.state.is_ready


def test_only_its_owner_can_read_the_credentials(home: Path, running: Callable[[], list[str]]) -> None:
    with Stack(home, processes=[]):
        mode = stat.S_IMODE((home / "stack.json").stat().st_mode)
        command_lines = "\n".join(running())
        state = read_state(home)

    assert mode == 0o600
    assert state is not None
    assert state.credentials.s3_secret_key not in command_lines
    assert state.credentials.redis not in command_lines


def test_a_second_start_says_that_it_already_runs(home: Path) -> None:
    with Stack(home, processes=[]), pytest.raises(StackError, match=r"already runs in .* `pantile down`"):
        Stack(home, processes=[]).start()


def test_a_server_that_does_not_start_is_quoted(home: Path, running: Callable[[], list[str]]) -> None:
    with Stack(home, processes=[]):
        pass
    (home / "postgres" / "postgresql.conf").write_text("shared_bufers = 1\n")

    with pytest.raises(StackError, match=r'postgres ended with code 1: .*"shared_bufers"'):
        Stack(home, processes=[]).start()
    assert running() == []


def test_the_systems_redis_is_named_when_it_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(StackError, match="no redis-server on the PATH"):
        Stack(home, processes=[], redis=RedisKind.SYSTEM).start()


def test_the_systems_redis_serves_when_asked(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redis-server").symlink_to(redis_program(RedisKind.BUNDLED))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with Stack(home, processes=[], redis=RedisKind.SYSTEM) as stack:
        assert Redis.from_url(stack.settings().broker_url.get_secret_value()).ping()


def test_processes_get_the_stacks_settings_and_not_the_users(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTILE_DATABASE_URL", "postgresql://elsewhere")
    monkeypatch.setenv("PANTILE_DEVICE", "cpu")
    told = python("told", f"import json, os; json.dump(dict(os.environ), open('env.json', 'w'));{TOUCH_AND_SLEEP}")

    with Stack(home, processes=[told]) as stack:
        environment = (home / "run" / "env.json").read_text()

        assert stack.state.database_url in environment
        assert '"PANTILE_DEVICE": "cpu"' in environment
        assert "elsewhere" not in environment


def test_a_process_with_an_address_is_ready_when_it_answers(home: Path) -> None:
    with Stack(home, processes=[python("web", SERVE, health_path="/")]) as stack:
        assert httpx.get(stack.settings().web_url).status_code == 200


def test_web_flower_and_all_servers_listen_on_loopback_and_ask_strangers_who_they_are(home: Path) -> None:
    wanted = [process for process in our_processes() if process.name in {"web", "flower"}]

    with Stack(home, processes=wanted) as stack:
        settings, state = stack.settings(), stack.state
        listening = {service.name: _listening(service.identity) for service in state.services}
        flower = ("pantile", settings.flower_password.get_secret_value())

        assert listening == {service.name: {"127.0.0.1"} for service in state.services}
        assert httpx.get(f"{settings.web_url}/v1/cohorts").status_code == 401
        assert httpx.get(f"{settings.flower_url}/").status_code == 401
        assert httpx.get(f"{settings.flower_url}/api/tasks").status_code == 401
        assert httpx.get(f"{settings.flower_url}/metrics").status_code == 404
        assert httpx.get(f"{settings.flower_url}/", auth=flower, follow_redirects=True).status_code == 200
        with ApiClient(settings.web_url, token=settings.api_token.get_secret_value()) as client:
            assert list(client.cohorts()) == []
        kept = "".join(path.read_text() for path in (home / "logs").iterdir())
        assert settings.api_token.get_secret_value() not in kept
        assert flower[1] not in kept


def _listening(identity: ProcessIdentity) -> set[str]:
    process = psutil.Process(identity.pid)
    family = [process, *process.children(recursive=True)]
    return {each.laddr.ip for one in family for each in one.net_connections() if each.status == psutil.CONN_LISTEN}


def test_flower_does_not_start_without_a_password(home: Path) -> None:
    with Stack(home, processes=[]) as stack, pytest.raises(SettingRefused, match="never open to all"):
        run_flower(stack.settings().model_copy(update={"flower_password": SecretStr("")}), [])


def test_the_stacks_own_token_outlives_a_restart_and_a_revoked_one_stays_so(home: Path) -> None:
    with Stack(home, processes=[python("idle", TOUCH_AND_SLEEP)]) as first:
        before = first.settings()
        database = Database.from_settings(before)
        with database.transaction() as connection:
            assert admit_token(connection, before.api_token.get_secret_value()).scopes == set(Scope)
            revoke_token(connection, 1, actor="test")
        database.close()

    with Stack(home, processes=[python("idle", TOUCH_AND_SLEEP)]) as second:
        after = second.settings()
        database = Database.from_settings(after)
        with database.transaction() as connection, pytest.raises(NotSignedIn, match="was revoked"):
            admit_token(connection, after.api_token.get_secret_value())
        database.close()

    assert after.api_token == before.api_token


def test_a_process_that_ends_at_the_start_is_quoted_and_nothing_stays(
    home: Path, running: Callable[[], list[str]]
) -> None:
    with pytest.raises(StackError, match="sad ended with code 3: no such luck"):
        Stack(home, processes=[python("sad", "print('no such luck'); raise SystemExit(3)")]).start()

    assert running() == []
    assert find_stack(home) is None


def test_a_process_that_hangs_is_killed_with_what_it_started(home: Path, running: Callable[[], list[str]]) -> None:
    stack = Stack(home, processes=[python("hanging", HANG)], grace_s=0.5)
    stack.start()
    assert any(line.startswith("sleep") for line in running())

    stack.stop()

    assert running() == []


def test_a_folder_is_free_again_after_a_failed_start(home: Path) -> None:
    with pytest.raises(StackError):
        Stack(home, processes=[python("sad", "raise SystemExit(3)")]).start()

    with Stack(home, processes=[]) as stack:
        assert stack.state.is_ready


def test_what_a_killed_owner_left_is_ended_at_the_next_start(home: Path, running: Callable[[], list[str]]) -> None:
    with Stack(home, processes=[]) as stack:
        service = stack.state.services[0]
    orphan = psutil.Popen(["sleep", "600"], cwd=home, start_new_session=True)
    identity = ProcessIdentity(pid=orphan.pid, started=orphan.create_time())
    left = read_state(home)
    assert left is not None
    write_state(replace(left, services=(replace(service, identity=identity),)))

    with Stack(home, processes=[]):
        assert not identity.is_running()
    orphan.wait()


def test_a_recycled_pid_is_left_alone(home: Path, running: Callable[[], list[str]]) -> None:
    with Stack(home, processes=[]) as stack:
        service = stack.state.services[0]
    stranger = psutil.Popen(["sleep", "600"], start_new_session=True)
    recycled = ProcessIdentity(pid=stranger.pid, started=stranger.create_time() - 3600)
    left = read_state(home)
    assert left is not None
    write_state(replace(left, services=(replace(service, identity=recycled),)))

    stop_stack(home)

    assert stranger.is_running()
    stranger.kill()
    stranger.wait()


def test_a_lock_file_of_a_recycled_pid_does_not_keep_postgres_from_starting(
    home: Path, running: Callable[[], list[str]]
) -> None:
    with Stack(home, processes=[]):
        lock_file = (home / "postgres" / "postmaster.pid").read_text().split("\n")
    stranger = psutil.Popen(["sleep", "600"], user=(home / "postgres").owner() if os.geteuid() == 0 else None)
    (home / "postgres" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lock_file[1:]]))

    with Stack(home, processes=[]) as stack:
        assert stack.state.is_ready
    assert stranger.is_running()
    stranger.kill()
    stranger.wait()
