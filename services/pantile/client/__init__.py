"""The client: Pantile's API in Python, reading manifests, carrying files to and from the bucket, writing tables."""
