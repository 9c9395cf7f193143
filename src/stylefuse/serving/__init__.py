"""The scoring server: MLflow's application for a model, behind limits and checks of requests."""
