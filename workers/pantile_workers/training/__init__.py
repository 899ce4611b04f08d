"""Training: from images with class maps to a segmenter's checkpoint with its card."""
