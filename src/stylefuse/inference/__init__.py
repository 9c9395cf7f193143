"""Running trained generators on pictures of any size.

`stylefuse.inference.NAME.make_predictor` makes the predictor of the model NAME.
"""
