"""The style loss that pictures are optimised by, and its export as a graph with its gradient."""
