"""The embedded stack: real PostgreSQL, Redis and S3 servers and our own processes, in one folder and without Docker."""
