"""Instance normalisation, its adaptive form for styles, and batch normalisation."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import keras
from keras import ops

from stylefuse.models.layers.convolution import EqualDense
from stylefuse.models.layers.resampling import broadcast_styles

VARIANCE_FLOOR = 1e-3  # added to variances, of values from −1 to 1
BATCH_VARIANCE_FLOOR = 1e-5  # the same, of batch normalisation

_recording: ContextVar[list | None] = ContextVar("recording", default=None)
_replaying: ContextVar[Iterator | None] = ContextVar("replaying", default=None)


def moments(x):
    """Mean and standard deviation over a map's positions, each `[batch, 1, 1, channels]`.

    Always in float32, because shorter floats cannot hold sums over thousands of positions.
    """
    replaying, recording = _replaying.get(), _recording.get()
    if replaying is not None:
        return next(replaying)
    x = ops.cast(x, "float32")
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    variance = ops.mean(ops.square(x - mean), axis=(1, 2), keepdims=True)
    mean_and_deviation = mean, ops.sqrt(variance + VARIANCE_FLOOR)
    if recording is not None:
        recording.append(mean_and_deviation)
    return mean_and_deviation


@contextmanager
def record_moments() -> Iterator[list]:
    """Collect every pair that `moments` returns inside the block, in order."""
    recording: list = []
    token = _recording.set(recording)
    try:
        yield recording
    finally:
        _recording.reset(token)


@contextmanager
def replay_moments(recording: Iterable) -> Iterator[None]:
    """Let `moments` return recorded pairs inside the block, in order.

    A tile that is computed with the moments of the whole picture has no seam to the next one.
    """
    token = _replaying.set(iter(recording))
    try:
        yield
    finally:
        _replaying.reset(token)


def instance_norm(x):
    """Normalise each map by its own mean and deviation (Ulyanov et al. 2016, eq. 4)."""
    mean, deviation = (ops.cast(m, x.dtype) for m in moments(x))
    return (x - mean) / deviation


@keras.saving.register_keras_serializable("stylefuse")
class AdaptiveInstanceNorm(keras.layers.Layer):
    """Give a map the mean and deviation that a style code asks for (Huang & Belongie 2017, eq. 8).

    Call: map `[batch, height, width, channels]`, code `[batch, code]` → the map's shape. With
    `regions`, shares `[batch, height, width, styles]` that sum to 1 at each position, codes are
    `[batch, styles, code]`, and each position follows its own mix of them.
    """

    def build(self, x_shape, code_shape):
        self.affine = EqualDense(2 * x_shape[-1], name="affine")
        self.affine.build(code_shape)

    def call(self, x, code, regions=None):
        scale, shift = ops.split(broadcast_styles(self.affine(code), regions), 2, axis=-1)
        return instance_norm(x) * (1 + scale) + shift

    def compute_output_shape(self, x_shape, code_shape):
        return x_shape


@keras.saving.register_keras_serializable("stylefuse")
class BatchNorm(keras.layers.Layer):
    """Batch normalisation (Ioffe & Szegedy 2015, algorithm 1) with calibrated statistics.

    Training normalises a batch by its own mean and variance. In inference a picture must not
    depend on the others in its batch, so the statistics are constants: those of one large batch,
    which `calibrate` takes once the weights are final (precise BN, Wu & Johnson 2021, section 3).
    A running average would not fit, because the saved weights are averages themselves.

    Call: `[..., channels]` → the same shape.
    """

    def build(self, x_shape):
        channels = x_shape[-1:]
        self.scale = self.add_weight(channels, "ones", name="scale")
        self.shift = self.add_weight(channels, "zeros", name="shift")
        self.mean = self.add_weight(channels, "zeros", trainable=False, name="mean")
        self.variance = self.add_weight(channels, "ones", trainable=False, name="variance")

    def calibrate(self, x):
        """Store the statistics of a batch for inference."""
        for weight, value in zip((self.mean, self.variance), _batch_moments(x), strict=True):
            weight.assign(value)

    def call(self, x, training=False):
        mean, variance = _batch_moments(x) if training else (self.mean, self.variance)
        return (x - mean) * ops.rsqrt(variance + BATCH_VARIANCE_FLOOR) * self.scale + self.shift

    def compute_output_shape(self, x_shape):
        return x_shape


def _batch_moments(x):
    return ops.moments(x, axes=tuple(range(len(x.shape) - 1)))
