"""Colour constants that networks, filters and metrics share."""

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # weights of R, G, B (ITU-R BT.601)
OPPONENT = np.array([[1, 1, 1], [1, 0, -2], [1, -1, 1]]) / np.sqrt([3, 2, 6])  # RGB → opponent
