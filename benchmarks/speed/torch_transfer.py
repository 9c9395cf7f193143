"""The transfer model's losses and its training step once more, in plain PyTorch.

As a worker of `pytorch.py` it needs only PyTorch and NumPy, and gets settings, a batch and the
twin's weights from the folder that it is given.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from benchmarks.paired_timing import THREADS, serve
from benchmarks.speed.torch_networks import Discriminator, Generator

OTHERS, PENALTY_STEP = 0.25, 0.01


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
        for network in (self.generator, self.averaged, self.discriminator):
            network.to(memory_format=torch.channels_last)  # a tenth faster on a CPU
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
        reports = []
        for number, loss_function in enumerate((self._discriminator_loss, self._generator_loss)):
            loss, report = loss_function(index, fused, *batch)
            self.optimizers[number].zero_grad()
            loss.backward(inputs=list((self.discriminator, self.generator)[number].parameters()))
            self.optimizers[number].step()
            self.schedules[number].step()
            reports += [x.item() for x in report]
        with torch.no_grad():
            for mean, weight in zip(
                self.averaged.parameters(), self.generator.parameters(), strict=True
            ):
                mean.lerp_(weight, 1 - self.keep)
        return reports

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
        loss = total = loss + (1 - OTHERS) * logistic_loss(-judge(painted, wanted))
        s = self.settings
        if s["r1"] and index % s["r1_interval"] == 0:
            near = judge(painting + PENALTY_STEP * noise, features)
            slope = (near - real).mean((1, 2)) / PENALTY_STEP
            total = loss + 0.5 * s["r1"] * s["r1_interval"] * slope.square().mean()
        return total, (loss,)

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
        loss = adversarial + s["reconstruction"] * reconstruction + s["content"] * kept
        return loss, (adversarial, reconstruction, kept)


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
    training.averaged.load_state_dict(training.generator.state_dict())


def _turned(array):
    """A kernel from Keras's order of axes to PyTorch's."""
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
    return torch.tensor(array.transpose(order).copy())


def _planar(pictures):
    return torch.tensor(pictures).permute(0, 3, 1, 2)  # channels stay last in memory


def main():
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(THREADS)
    training = Training(json.loads((folder / "settings.json").read_text()))
    load_twin(training, folder / "twin.npz")
    with np.load(folder / "batch.npz") as arrays:
        batch = [_planar(a) if a.ndim == 4 else torch.tensor(a) for a in arrays.values()]
    done = 0

    def work():
        nonlocal done
        start = time.perf_counter()
        losses = [training.step(index, batch) for index in range(done, done + steps)]
        done += steps
        seconds = time.perf_counter() - start
        rate = steps * training.settings["batch"] / seconds
        return {"rate": rate, "losses": losses[0], "version": torch.__version__}

    serve(work)


if __name__ == "__main__":
    main()
