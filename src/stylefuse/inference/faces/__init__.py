"""Faces in pictures: where they are, their points, and which way they look."""
