"""The transfer model once more, in plain PyTorch: networks, losses and a training step.

Modules bear the names of their twins in `stylefuse.models.transfer.networks`, so that weights can
be handed over by name. As a worker of `pytorch.py` it needs only PyTorch and NumPy, and gets
settings and the twin's weights from the folder that it is given.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from turns import serve

OPPONENT = np.array([[1, 1, 1], [1, 0, -2], [1, -1, 1]]) / np.sqrt([3, 2, 6])
OTHERS, PENALTY_STEP = 0.25, 0.01


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
        content = [soften(instance_norm(self.to_opponent(x)))]
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
        ground, m1, m2, h = content
        for block in self.blocks:
            h = block(h, code)
        h = activate(self.n2(self.up_2(upsample(h)) + self.skip_2(m2), code))
        h = activate(self.n1(self.up_1(upsample(h)) + self.skip_1(m1), code))
        h = activate(self.n0(self.last(h), code))
        mean, deviation = code[:, :3, None, None], code[:, 3:6, None, None]
        x = (ground + self.paint(h)) * deviation + mean
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

    def judge(self, maps, features):
        patches = self.patch(maps.permute(0, 2, 3, 1))
        alike = torch.einsum("bhwc,bc->bhw", patches, self.reference(features))
        return self.real(activate(self.head(maps)))[:, 0] + alike / 128**0.5

    def forward(self, x, features):
        return self.judge(self.maps(x), features)


def activate(x):
    return F.leaky_relu(x, 0.2)


def moments(x):
    variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    return mean, torch.sqrt(variance + 1e-3)


def instance_norm(x):
    mean, deviation = moments(x)
    return (x - mean) / deviation


def soften(x):
    x = F.pad(x, [4] * 4, mode="reflect")
    return F.avg_pool2d(F.avg_pool2d(x, 5, 1), 5, 1)


def upsample(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def logistic_loss(margin):
    return F.softplus(-margin).mean()


def following(x):
    """Of each picture in the batch, the next one's."""
    return x.roll(1, 0)


class Training:
    """Networks, optimisers and average; `step` trains both networks on one batch."""

    def __init__(self, settings):
        self.settings = s = settings
        shape = s["width"], s["blocks"], s["code"]
        self.generator, self.averaged = Generator(*shape), Generator(*shape)
        self.discriminator = Discriminator(s["discriminator_width"])
        self.averaged.load_state_dict(self.generator.state_dict())
        self.optimizers, self.schedules = [], []
        for network, rate in (
            (self.discriminator, s["discriminator_learning_rate"]),
            (self.generator, s["learning_rate"]),
        ):
            betas = s["beta_1"], s["beta_2"]
            adam = torch.optim.Adam(network.parameters(), rate, betas, 1e-8, fused=True)
            steps = int(1000 * s["kimg"] / s["batch"])
            self.optimizers.append(adam)
            self.schedules.append(torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps))
        self.keep = 0.5 ** (s["batch"] / 1000 / s["ema_kimg"])

    def step(self, index, batch):
        fused = int((index + 1) * self.settings["fused"]) > int(index * self.settings["fused"])
        losses = []
        for number, objective in enumerate((self._discriminator_loss, self._generator_loss)):
            loss = objective(index, fused, *batch)
            self.optimizers[number].zero_grad()
            loss.backward(inputs=list((self.discriminator, self.generator)[number].parameters()))
            self.optimizers[number].step()
            self.schedules[number].step()
            losses.append(float(loss))
        with torch.no_grad():
            for mean, weight in zip(
                self.averaged.parameters(), self.generator.parameters(), strict=True
            ):
                mean.lerp_(weight, 1 - self.keep)
        return losses

    def _paint(self, fused, photograph, reference, mask, weight):
        content = self.generator.encode_content(photograph)
        code = self.generator.encode_style(reference)
        if fused:
            shares = [F.avg_pool2d(mask, k) for k in (1, 1, 2, 4)]
            content = [m * c + (1 - m) * following(c) for m, c in zip(shares, content, strict=True)]
            code = weight * code + (1 - weight) * following(code)
        return self.generator.decode(content, code), content

    def _discriminator_loss(
        self, index, fused, photograph, painting, reference, mask, weight, noise
    ):
        judge = self.discriminator
        features, maps = judge.features(reference), judge.maps(painting)
        real, other = judge.judge(maps, features), judge.judge(maps, following(features))
        with torch.no_grad():
            painted, _ = self._paint(fused, photograph, reference, mask, weight)
        wanted = weight * features + (1 - weight) * following(features) if fused else features
        loss = logistic_loss(real) + OTHERS * logistic_loss(-other)
        loss = loss + (1 - OTHERS) * logistic_loss(-judge(painted, wanted))
        s = self.settings
        if s["r1"] and index % s["r1_interval"] == 0:
            near = judge(painting + PENALTY_STEP * noise, features)
            slope = (near - real).mean((1, 2)) / PENALTY_STEP
            loss = loss + 0.5 * s["r1"] * s["r1_interval"] * slope.square().mean()
        return loss

    def _generator_loss(self, index, fused, photograph, painting, reference, mask, weight, noise):
        painted, content = self._paint(fused, photograph, reference, mask, weight)
        with torch.no_grad():
            features = self.discriminator.features(reference)
            if fused:
                features = weight * features + (1 - weight) * following(features)
        adversarial = logistic_loss(self.discriminator(painted, features))
        kept = F.l1_loss(self.generator.encode_content(painted)[-1], content[-1].detach())
        quarter = max(1, len(photograph) // 4)
        known = torch.cat([photograph[:quarter], painting[:quarter]])
        reconstruction = F.l1_loss(self.generator(known, known), known)
        s = self.settings
        return adversarial + s["reconstruction"] * reconstruction + s["content"] * kept


def load_twin(training, path):
    """Put the twin's weights in, by name.

    Raises:
        RuntimeError: names or shapes differ: the networks are not the same.
    """
    networks = {"generator": training.generator, "discriminator": training.discriminator}
    with np.load(path) as arrays:
        for name, network in networks.items():
            weights = {
                key.split("/", 1)[1].replace("/", "."): _turned(arrays[key])
                for key in arrays.files
                if key.startswith(f"{name}/")
            }
            network.load_state_dict(weights)
        pictures = [_planar(arrays[name]) for name in ("content", "style")]
        with torch.no_grad():
            painted = training.generator(*pictures)
            judged = training.discriminator(painted, training.discriminator.features(pictures[1]))
        gaps = {"painted": painted.permute(0, 2, 3, 1), "judged": judged}
        return {f"{k} apart": float(abs(v.numpy() - arrays[k]).max()) for k, v in gaps.items()}


def _turned(array):
    """A kernel from Keras's order of axes to PyTorch's."""
    return torch.tensor({4: lambda a: a.transpose(3, 2, 0, 1), 2: np.transpose}.get(
        array.ndim, lambda a: a
    )(array).copy())  # fmt: skip


def _planar(pictures):
    return torch.tensor(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def main():
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    training = Training(json.loads((folder / "settings.json").read_text()))
    facts = load_twin(training, folder / "twin.npz")
    with np.load(folder / "batch.npz") as arrays:
        batch = [_planar(a) if a.ndim == 4 else torch.tensor(a) for a in arrays.values()]
    done = 0

    def work():
        nonlocal done
        start = time.perf_counter()
        for index in range(done, done + steps):
            losses = training.step(index, batch)
        done += steps
        seconds = time.perf_counter() - start
        assert np.isfinite(losses).all()
        return {"rate": steps * training.settings["batch"] / seconds, **facts}

    serve(work)


if __name__ == "__main__":
    main()
