"""The models: one package each, and what they share; everything here needs Keras."""
