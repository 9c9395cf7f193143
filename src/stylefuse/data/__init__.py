"""Pictures for training: ingest, validation, preparation, splits and batches."""
