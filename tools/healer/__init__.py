"""Makes the healer: portraits, pairs of pictures, training, and pairs of results to judge."""
