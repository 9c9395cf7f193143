"""What people read in the registry: pages of models and versions, model cards."""
