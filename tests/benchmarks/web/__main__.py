"""What scoring takes at the study's size: the page with large cases, the API beside 10,912 ROIs of one rater.

`make bench-web` prints tables; `--quick` does the same with a fifth of the cases and a tenth of the requests.
How many statements a request takes is no measurement: tests/integration/web/test_scoring_queries.py holds it.
"""

import argparse
import os
import platform

from pantile.cli.screen import say
from tests.benchmarks.web.api import measure_api
from tests.benchmarks.web.viewing import measure_viewing

_REQUESTS, _QUICK_REQUESTS = 300, 30


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(prog="make bench-web", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cases, fewer requests")
    asked = parser.parse_args()
    say(f"{platform.machine()}, {os.cpu_count()} cores; load average {os.getloadavg()[0]:.1f} before the run")
    measure_viewing(is_quick=asked.quick)
    measure_api(requests=_QUICK_REQUESTS if asked.quick else _REQUESTS)


if __name__ == "__main__":
    main()
