"""Methods that the models are compared with."""
