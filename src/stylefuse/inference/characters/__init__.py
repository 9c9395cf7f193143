"""From a photograph of a person to a painted character."""
