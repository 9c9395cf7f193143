"""`stylefuse doctor`: what is wrong with machine, configuration or registry, and what to do."""
