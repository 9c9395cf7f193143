"""Painting many pictures: files in, files and sidecars out."""
