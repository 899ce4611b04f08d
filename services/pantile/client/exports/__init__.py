"""Class maps as the files of other tools; each module writes one kind, and takes the extra `exports`."""
