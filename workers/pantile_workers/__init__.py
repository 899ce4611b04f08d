"""Pantile's workers: reading images, running networks, drawing overlays, training. Home of torch and pyvips."""
