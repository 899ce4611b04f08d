"""The routes of the API, one module a subject; each handler parses, calls one use case and shapes the answer."""
