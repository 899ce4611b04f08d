"""`pantile bench` with toy4, the network trained on real tissue, where ../shared is; else with the untrained network.

`make bench` prints the tables of docs/performance.md; what else is given goes to `pantile bench`.
"""

import sys
import tempfile
from pathlib import Path

from fidelity import SHARED, toy4_card  # type: ignore[import-not-found]  # beside this script

from pantile.cli import main
from pantile.domain.card_text import write_card


def run() -> None:
    """Runs the benchmark."""
    checkpoint = SHARED / "checkpoints" / "toy4.safetensors"
    with tempfile.TemporaryDirectory() as folder:
        if checkpoint.exists():
            card = Path(folder) / "toy4.toml"
            card.write_text(write_card(toy4_card()))
            card.with_suffix(".safetensors").symlink_to(checkpoint)
            sys.argv[1:] = ["--card", str(card), *sys.argv[1:]]
        sys.argv[1:] = ["bench", *sys.argv[1:]]
        main()


if __name__ == "__main__":
    run()
