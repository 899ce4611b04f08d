"""The suite of faults: one rig for all of it, made whole before each test; the long faults only when asked for."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.invariants import Expected, check_invariants
from tests.faults.rig import Rig

_SHORT_ROIS = 40
_ROIS = 100
"""ROIs of a cohort, each for three segmenters: 120 jobs in the short form, 300 otherwise."""

_left_out: list[str] = []
_told: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long faults out, unless all are asked for."""
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in own:
        item.add_marker(pytest.mark.timeout(900))
    if config.getoption("--all-faults"):
        return
    _left_out.extend(item.name for item in own if item.get_closest_marker("long"))
    items[:] = [item for item in items if item not in own or not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what came out, and what was left out."""
    if not _left_out + _told:
        return
    terminalreporter.section("faults")
    for line in _told:
        terminalreporter.line(line)
    if _left_out:
        terminalreporter.line(
            f"Short form: {3 * _SHORT_ROIS} jobs a cohort. `make faults` runs {3 * _ROIS}, and what was left out here: "
            f"{', '.join(_left_out)}."
        )


@pytest.fixture(scope="package")
def shared_rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The rig, running and supervised."""
    rois = _ROIS if request.config.getoption("--all-faults") else _SHORT_ROIS
    with tempfile.TemporaryDirectory(prefix="pantile-faults-") as home, pytest.MonkeyPatch.context() as patch:
        rig = Rig(Path(home), tmp_path_factory.mktemp("faults"), rois=rois)
        for name in os.environ:
            if name.startswith("PANTILE_") and name != "PANTILE_SHARED":
                patch.delenv(name)
        for name, value in rig.environment().items():
            patch.setenv(name, value)
        with rig.stack:
            supervision = threading.Thread(target=rig.stack.supervise)
            supervision.start()
            try:
                rig.open()
                yield rig
            finally:
                rig.close()
                rig.stack.stop_asked.set()
                supervision.join()


@pytest.fixture(scope="package")
def expected(shared_rig: Rig) -> Expected:
    """The class maps of a run that nothing disturbs."""
    submitted = shared_rig.submit()
    check_invariants(shared_rig, submitted, {})
    return {
        (row["slide"], row["segmenter"]): row["sha256"]
        for row in shared_rig.query(
            """
            SELECT r.slide, s.name AS segmenter, m.sha256 FROM class_maps m
            JOIN jobs j ON j.id = m.job_id JOIN segmenters s ON s.id = j.segmenter_id
            JOIN cohort_jobs cj ON cj.job_id = j.id JOIN rois r ON r.id = cj.roi_id
            """
        )
    }


@pytest.fixture
def rig(shared_rig: Rig, expected: Expected, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """The rig, whole, after an undisturbed run; what a test did with it is told at the end."""
    shared_rig.make_whole()
    before, began = len(shared_rig.submitted), time.monotonic()
    yield shared_rig
    submitted, seconds = shared_rig.submitted[before:], time.monotonic() - began
    shared_rig.make_whole()
    attempts = sum(len(shared_rig.attempts(cohort)) for cohort in submitted)
    jobs = sum(cohort.jobs for cohort in submitted)
    _told.append(f"{request.node.name}: {jobs} jobs, {attempts} attempts, {seconds:.0f} s")
