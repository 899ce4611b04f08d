"""What the queue costs at the study's size: submission, dispatch, each job's overhead, the API meanwhile, more workers.

`make bench-scale` prints the tables of docs/performance.md; `--quick` does the same at a twentieth of the size. Nothing
is segmented: the jobs of the first two parts take no time, those of the last sleep for 2 s.
"""

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pantile.catalog.database import Database
from pantile.catalog.schema import migrate
from pantile.cli.screen import say
from pantile.local.stack import Stack
from tests.benchmarks.scale.figures import Figures, Scaled
from tests.benchmarks.scale.installation import Installation
from tests.benchmarks.scale.large import LargeCatalog, measure_large
from tests.benchmarks.scale.measuring import measure_drain, measure_scaling, measure_submission
from tests.benchmarks.scale.report import print_figures, print_large, write_figures
from tests.benchmarks.scale.study import GeneratedCohort

_STUDY_ROIS = 10_912
_SMALL_ROIS = 1_091
_QUICK_ROIS, _QUICK_SMALL_ROIS = 500, 50
_DRAIN_THREADS = 3
"""A worker's own default."""
_SLEEP_S = 2.0
_SLEEP_THREADS = 8
_ROIS_PER_THREAD = 3
_WORKERS, _QUICK_WORKERS = (1, 2, 4, 8, 16), (1, 2, 4)


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the study, and up to 4 workers")
    parser.add_argument("--json", type=Path, default=None, help="write the figures there, and a picture beside them")
    parser.add_argument("--large", type=int, default=None, metavar="N", help="only: a catalog N times the study's")
    asked = parser.parse_args()
    if asked.large:
        print_large(_measure_large(asked.large))
        return
    figures = measure_all(quick=asked.quick)
    print_figures(figures)
    if asked.json:
        write_figures(figures, asked.json)


def measure_all(*, quick: bool) -> Figures:
    """Takes all measurements, one after another, in two installations that are thrown away."""
    load_before = os.getloadavg()[0]
    small = GeneratedCohort(name="SMALL", first=1, rois=_QUICK_SMALL_ROIS if quick else _SMALL_ROIS)
    study = GeneratedCohort(name="STUDY", first=1, rois=_QUICK_ROIS if quick else _STUDY_ROIS)
    # As root, PostgreSQL runs as another user, who has to be let in: no folder of this user's own.
    with tempfile.TemporaryDirectory(prefix="pantile-scale-") as home, Installation(Path(home)) as installation:
        say(f"{small.jobs:,} jobs")
        measure_submission(installation, small)
        drained = [measure_drain(installation, small, threads=_DRAIN_THREADS)]
    with tempfile.TemporaryDirectory(prefix="pantile-scale-") as home, Installation(Path(home)) as installation:
        say(f"{study.jobs:,} jobs")
        submitted = measure_submission(installation, study)
        drained.append(measure_drain(installation, study, threads=_DRAIN_THREADS))
        levels = _QUICK_WORKERS if quick else _WORKERS
        scaled = list(_measure_workers(installation, levels, first=study.rois + 1))
    return Figures(
        machine=_machine(),
        load_before=load_before,
        submitted=submitted,
        drained=tuple(drained),
        scaled=tuple(scaled),
    )


def _measure_large(times: int) -> LargeCatalog:
    """Fills a catalog in a PostgreSQL that is thrown away, and asks it."""
    with tempfile.TemporaryDirectory(prefix="pantile-scale-") as home, Stack(Path(home), processes=[]) as stack:
        migrate(stack.settings().database_url.get_secret_value())
        database = Database.from_settings(stack.settings(), application="pantile scale")
        with closing(database):
            return measure_large(database, rois=times * _STUDY_ROIS)


def _measure_workers(installation: Installation, levels: Sequence[int], *, first: int) -> Iterator[Scaled]:
    running = 0
    for workers in levels:
        installation.start_workers(workers - running, sleep_s=_SLEEP_S, threads=_SLEEP_THREADS)
        running = workers
        say(f"{workers} x {_SLEEP_THREADS} threads, jobs of {_SLEEP_S:g} s")
        cohort = GeneratedCohort(
            name=f"WORKERS-{workers}", first=first, rois=workers * _SLEEP_THREADS * _ROIS_PER_THREAD
        )
        first += cohort.rois
        yield measure_scaling(installation, cohort, workers=workers, threads=_SLEEP_THREADS, sleep_s=_SLEEP_S)


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor")
    return f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}"


if __name__ == "__main__":
    main()
