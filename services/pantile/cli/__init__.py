"""The command line: one module a subject, loaded when its command is used, so that `pantile --help` is quick."""

from pantile.cli.app import main

__all__ = ["main"]
