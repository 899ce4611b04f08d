"""Pantile's services: what the system knows, decides and serves. Imports neither torch nor pyvips."""

from importlib.metadata import version

__version__ = version("pantile")
