"""Segmenters at work: loading networks, running them over patches on one device, stitching class maps."""
