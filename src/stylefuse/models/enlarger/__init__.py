"""The network that doubles the size of pictures; it comes with the code, not with a version."""
