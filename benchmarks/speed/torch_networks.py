"""The networks of the transfer model in plain PyTorch.

Modules have the names of the layers in `stylefuse.models.transfer.networks`, so that weights can be
copied by name.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

OPPONENT = np.array([[1, 1, 1], [1, 0, -2], [1, -1, 1]]) / np.sqrt([3, 2, 6])


class Conv(nn.Module):
    """Equalised convolution."""

    def __init__(self, inputs, filters, kernel=3, stride=1, reflect=True, gain=2**0.5):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(filters, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(filters))
        self.scale, self.stride = gain / (kernel * kernel * inputs) ** 0.5, stride
        self.edge, self.reflect = (kernel - 1) // 2, reflect

    def forward(self, x):
        edge = self.edge
        if self.reflect and edge:
            x, edge = F.pad(x, [edge] * 4, mode="reflect"), 0
        return F.conv2d(x, self.kernel * self.scale, self.bias, self.stride, edge)


class Dense(nn.Module):
    """Equalised linear layer."""

    def __init__(self, inputs, units):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(units, inputs))
        self.bias = nn.Parameter(torch.zeros(units))
        self.scale = inputs**-0.5

    def forward(self, x):
        return F.linear(x, self.kernel * self.scale, self.bias)


class AdaptiveNorm(nn.Module):
    def __init__(self, channels, code):
        super().__init__()
        self.affine = Dense(code, 2 * channels)

    def forward(self, x, code):
        scale, shift = self.affine(code)[..., None, None].chunk(2, dim=1)
        return instance_norm(x) * (1 + scale) + shift


class StyledResidual(nn.Module):
    def __init__(self, channels, code):
        super().__init__()
        self.first, self.second = Conv(channels, channels), Conv(channels, channels)
        self.first_norm = AdaptiveNorm(channels, code)
        self.second_norm = AdaptiveNorm(channels, code)

    def forward(self, x, code):
        h = activate(self.first_norm(self.first(x), code))
        return x + self.second_norm(self.second(h), code)


class Generator(nn.Module):
    def __init__(self, width, blocks, code):
        super().__init__()
        w, full = width, 6 + code
        self.register_buffer("opponent", torch.tensor(OPPONENT, dtype=torch.float32), False)
        self.content_1, self.content_2 = Conv(3, w), Conv(w, 2 * w, 4, 2)
        self.content_4 = Conv(2 * w, 4 * w, 4, 2)
        self.style_2, self.style_4 = Conv(3, w, 4, 2), Conv(w, 2 * w, 4, 2)
        self.style_8, self.style_16 = Conv(2 * w, 4 * w, 4, 2), Conv(4 * w, 6 * w, 4, 2)
        self.style_out = Dense(6 * w, code)
        for i in range(blocks):
            self.add_module(f"block_{i}", StyledResidual(4 * w, full))
        self.blocks = [getattr(self, f"block_{i}") for i in range(blocks)]
        self.up_2, self.up_1 = Conv(4 * w, 2 * w), Conv(2 * w, w)
        self.skip_2, self.skip_1 = Conv(2 * w, 2 * w, 1), Conv(w, w, 1)
        self.n2, self.n1 = AdaptiveNorm(2 * w, full), AdaptiveNorm(w, full)
        self.last, self.n0 = Conv(w, w), AdaptiveNorm(w, full)
        self.paint = Conv(w, 3, gain=1.0)

    def encode_content(self, x):
        content = [box_blur(instance_norm(self.to_opponent(x)))]
        for conv in (self.content_1, self.content_2, self.content_4):
            x = activate(instance_norm(conv(x)))
            content.append(x)
        return content

    def encode_style(self, x):
        mean, deviation = moments(self.to_opponent(x))
        for conv in (self.style_2, self.style_4, self.style_8, self.style_16):
            x = activate(conv(x))
        learned = self.style_out(x.mean((2, 3)))
        return torch.cat([mean[..., 0, 0], deviation[..., 0, 0], learned], 1)

    def decode(self, content, code):
        blurred, m1, m2, h = content
        for block in self.blocks:
            h = block(h, code)
        h = activate(self.n2(self.up_2(upsample(h)) + self.skip_2(m2), code))
        h = activate(self.n1(self.up_1(upsample(h)) + self.skip_1(m1), code))
        h = activate(self.n0(self.last(h), code))
        mean, deviation = code[:, :3, None, None], code[:, 3:6, None, None]
        x = (blurred + self.paint(h)) * deviation + mean
        return torch.einsum("bchw,dc->bdhw", x, self.opponent)

    def forward(self, content, style):
        return self.decode(self.encode_content(content), self.encode_style(style))

    def to_opponent(self, x):
        return torch.einsum("bchw,cd->bdhw", x, self.opponent)


class Discriminator(nn.Module):
    def __init__(self, width):
        super().__init__()
        w = width
        self.trunk_2 = Conv(3, w, 4, 2, reflect=False)
        self.trunk_4 = Conv(w, 2 * w, 4, 2, reflect=False)
        self.trunk_8 = Conv(2 * w, 4 * w, 4, 2, reflect=False)
        self.trunk_8b = Conv(4 * w, 4 * w, reflect=False)
        self.head = Conv(4 * w, 4 * w, reflect=False)
        self.real = Conv(4 * w, 1, 1, gain=1.0)
        self.patch, self.reference = Dense(4 * w, 128), Dense(4 * w, 128)

    def maps(self, x):
        for conv in (self.trunk_2, self.trunk_4, self.trunk_8, self.trunk_8b):
            x = activate(conv(x))
        return x

    def features(self, x):
        return self.maps(x).mean((2, 3))

    def logits(self, maps, features):
        patches = self.patch(maps.permute(0, 2, 3, 1))
        projection = torch.einsum("bhwc,bc->bhw", patches, self.reference(features))
        return self.real(activate(self.head(maps)))[:, 0] + projection / 128**0.5

    def forward(self, x, features):
        return self.logits(self.maps(x), features)


def activate(x):
    return F.leaky_relu(x, 0.2)


def moments(x):
    variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    return mean, torch.sqrt(variance + 1e-3)


def instance_norm(x):
    mean, deviation = moments(x)
    return (x - mean) / deviation


def box_blur(x):
    x = F.pad(x, [4] * 4, mode="reflect")
    return F.avg_pool2d(F.avg_pool2d(x, 5, 1), 5, 1)


def upsample(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")
