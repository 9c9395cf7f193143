"""Evaluation of trained models on held-out pictures, and statistical comparison of two models."""
