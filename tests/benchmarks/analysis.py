"""How long an analysis of the study's size takes, and how much memory.

`make bench-analysis` analyses 54,560 scores with 2,000 draws in a process of its own: the generated study with a second
rater, Dice and clinical tables, in which benign ROIs are scored as their tumor twins, so that every output has a score.
"""

import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pantile.analysis.generated_files import SCORES_FILE, write_generated
from pantile.cli.screen import show_table

DRAWS = 2000
MIB = 1024


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "study"
        write_generated(folder, seed=1)
        scores = score_everything(folder / SCORES_FILE)
        began = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "pantile",
            "analyse",
            str(folder),
            "--out",
            f"{name}/out",
            "--draws",
            str(DRAWS),
        ]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        seconds = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = round(used.ru_utime + used.ru_stime, 1)
    columns = ("scores", "draws", "seconds", "of a processor", "peak MiB")
    show_table(columns, [(scores, DRAWS, round(seconds, 1), processor, round(used.ru_maxrss / MIB))])


def score_everything(path: Path) -> int:
    """Makes every output of a generated study one of tumor, with a score; gives how many there are."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    twins = {row["file_name"]: row["score"] for row in rows if row["tissue_type"] == "tumor"}
    for row in rows:
        row["score"] = row["score"] or twins[row["file_name"].replace("_normal_", "_tumor_")]
        row["tissue_type"] = "tumor"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


if __name__ == "__main__":
    main()
