"""Monitoring of served models: a log of requests, and drift between requests and training data."""
