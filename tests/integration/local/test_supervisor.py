"""A stack with an owner of its own: in the background, under Ctrl-C, and when the owner is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from pantile.domain.errors import StackError
from pantile.local.commands import app
from pantile.local.processes import Process
from pantile.local.shutdown import stop_stack
from pantile.local.stack import StackPlan
from pantile.local.state import StackState, find_stack
from pantile.local.supervisor import run_in_background

SLEEPER = Process(
    name="sleeper",
    command=(
        sys.executable,
        "-c",
        "import os, pathlib, time; pathlib.Path(os.environ['PANTILE_READY_FILE']).touch(); time.sleep(600)",
    ),
)
FOREGROUND = (
    "import sys; from pathlib import Path; from pantile.local.stack import Stack;"
    "from pantile.local.supervisor import run_in_foreground;"
    "run_in_foreground(Stack(Path(sys.argv[1]), processes=[]), lambda state: print('ready', flush=True))"
)


def pid_of(state: StackState | None, name: str) -> int:
    assert state is not None
    return next(service.identity.pid for service in state.services if service.name == name)


def test_it_stays_in_the_background_until_it_is_told_to_stop(home: Path, running: Callable[[], list[str]]) -> None:
    state = run_in_background(StackPlan(home=home, processes=()))
    with psycopg.connect(state.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)

    assert stop_stack(home)

    assert running() == []
    assert find_stack(home) is None
    assert not stop_stack(home)


def test_a_second_start_in_the_background_says_that_it_already_runs(home: Path) -> None:
    run_in_background(StackPlan(home=home, processes=()))

    with pytest.raises(StackError, match="already runs in"):
        run_in_background(StackPlan(home=home, processes=()))


def test_a_failed_start_in_the_background_says_why(home: Path, running: Callable[[], list[str]]) -> None:
    sad = Process(name="sad", command=(sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"))

    with pytest.raises(StackError, match="sad ended with code 3: no such luck"):
        run_in_background(StackPlan(home=home, processes=(sad,)))
    assert running() == []


@pytest.mark.parametrize("name", ["sleeper", "postgres"])
def test_what_is_killed_is_started_again(
    home: Path, name: str, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    state = run_in_background(StackPlan(home=home, processes=(SLEEPER,)))
    victim = pid_of(state, name)

    os.kill(victim, signal.SIGKILL)

    assert eventually(lambda: pid_of(find_stack(home), name) != victim)
    assert eventually(lambda: CliRunner().invoke(app, ["status", "--home", str(home)]).exit_code == 0)


def test_status_shows_each_service_and_fails_unless_all_are_well(home: Path) -> None:
    def status(columns: int = 200) -> tuple[int, str]:
        result = CliRunner(env={"COLUMNS": str(columns)}).invoke(app, ["status", "--home", str(home)])
        return result.exit_code, result.output

    before = status()
    state = run_in_background(StackPlan(home=home, processes=(SLEEPER,)))
    running = status()
    narrow = status(columns=60)
    (home / "run" / "sleeper.ready").unlink()
    unwell = status()
    stopped = CliRunner().invoke(app, ["down", "--home", str(home)])

    assert before[0] == 1
    assert "Nothing runs in" in before[1]
    assert running[0] == 0
    assert all(service.name in running[1] and str(service.identity.pid) in running[1] for service in state.services)
    assert state.credentials.database not in running[1]
    assert "…" not in narrow[1]
    assert (unwell[0], "does not answer" in unwell[1]) == (1, True)
    assert (stopped.exit_code, stopped.output) == (0, "Stopped.\n")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_foreground_leave_no_process(
    home: Path, signum: signal.Signals, running: Callable[[], list[str]]
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, str(home)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"

    os.killpg(owner.pid, signum)  # as a terminal does

    assert owner.wait(20) == 0
    owner.stdout.close()
    assert running() == []


def test_a_signal_during_the_start_leaves_no_process(
    home: Path, running: Callable[[], list[str]], eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert eventually(lambda: find_stack(home) is not None)

    owner.send_signal(signal.SIGINT)
    owner.communicate(timeout=20)

    assert running() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_children_end_with_a_killed_supervisor(
    home: Path, running: Callable[[], list[str]], eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    state = run_in_background(StackPlan(home=home, processes=(SLEEPER,)))
    assert state.supervisor is not None

    os.kill(state.supervisor.pid, signal.SIGKILL)

    assert eventually(lambda: running() == [])
    assert find_stack(home) is None


def test_it_starts_again_after_its_supervisor_was_killed(home: Path) -> None:
    killed = run_in_background(StackPlan(home=home, processes=()))
    assert killed.supervisor is not None
    os.kill(killed.supervisor.pid, signal.SIGKILL)

    state = run_in_background(StackPlan(home=home, processes=()))

    assert state.is_ready
    assert {service.identity for service in state.services}.isdisjoint(s.identity for s in killed.services)


def test_a_supervisor_that_hangs_is_killed_and_its_children_ended(home: Path, running: Callable[[], list[str]]) -> None:
    state = run_in_background(StackPlan(home=home, processes=(SLEEPER,)))
    assert state.supervisor is not None
    os.kill(state.supervisor.pid, signal.SIGSTOP)

    assert stop_stack(home, grace_s=0.5)

    assert running() == []
