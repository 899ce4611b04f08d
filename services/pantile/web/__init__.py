"""The web service: Pantile over HTTP, for the command line, for browsers and for other people's programs."""
