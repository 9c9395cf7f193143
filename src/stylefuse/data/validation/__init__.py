"""Expectations on the ingested pictures, and the report on them."""
