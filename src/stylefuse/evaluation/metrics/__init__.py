"""Metrics, one module each; pictures are uint8 `[height, width, 3]`."""
