"""Networks that take the faults of a composite out of painted characters."""
