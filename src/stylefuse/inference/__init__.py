"""Running trained generators on pictures of any size.

`load_predictor` loads a trained model. Painting needs NumPy, Pillow and ONNX Runtime alone.
"""
