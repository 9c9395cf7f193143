"""Layers and tensor functions that the networks share."""
