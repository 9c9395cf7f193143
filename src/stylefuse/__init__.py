"""stylefuse: train, evaluate, register and serve GANs for style transfer and image fusion."""

__version__ = "0.1.0"
