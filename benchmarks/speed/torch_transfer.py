"""The transfer model's losses and training step in plain PyTorch.

This is a worker of `benchmarks.speed.pytorch`. It needs only PyTorch and NumPy, and reads settings,
a batch and initial weights from a folder.
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

MISMATCH_SHARE = 0.25  # as in `stylefuse.models.transfer.losses`
PENALTY_STEP = 0.01  # as in `stylefuse.models.losses`


def logistic_loss(margin):
    return F.softplus(-margin).mean()


def next_item(x):
    """For each item of the batch, the next one."""
    return x.roll(1, 0)


class Training:
    """Networks, optimisers and averaged weights; `step` trains both networks on one batch."""

    def __init__(self, settings):
        self.settings = s = settings
        architecture = s["width"], s["blocks"], s["code"]
        self.generator, self.averaged = Generator(*architecture), Generator(*architecture)
        self.discriminator = Discriminator(s["discriminator_width"])
        for network in (self.generator, self.averaged, self.discriminator):
            network.to(memory_format=torch.channels_last)  # 10 % faster on a CPU
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
        self.decay = 0.5 ** (s["batch"] / 1000 / s["ema_kimg"])

    def step(self, index, batch):
        share = self.settings["fusion_share"]
        fused = int((index + 1) * share) > int(index * share)
        metrics = []
        for number, loss_function in enumerate((self._discriminator_loss, self._generator_loss)):
            loss, values = loss_function(index, fused, *batch)
            self.optimizers[number].zero_grad()
            loss.backward(inputs=list((self.discriminator, self.generator)[number].parameters()))
            self.optimizers[number].step()
            self.schedules[number].step()
            metrics += [x.item() for x in values]
        with torch.no_grad():
            for mean, weight in zip(
                self.averaged.parameters(), self.generator.parameters(), strict=True
            ):
                mean.lerp_(weight, 1 - self.decay)
        return metrics

    def _paint(self, fused, photograph, reference, mask, weight):
        content = self.generator.encode_content(photograph)
        code = self.generator.encode_style(reference)
        if fused:
            shares = [F.avg_pool2d(mask, k) for k in (1, 1, 2, 4)]
            content = [m * c + (1 - m) * next_item(c) for m, c in zip(shares, content, strict=True)]
            code = weight * code + (1 - weight) * next_item(code)
        return self.generator.decode(content, code), content

    def _discriminator_loss(
        self, index, fused, photograph, painting, reference, mask, weight, noise
    ):
        discriminator = self.discriminator
        features, maps = discriminator.features(reference), discriminator.maps(painting)
        real = discriminator.logits(maps, features)
        mismatched = discriminator.logits(maps, next_item(features))
        with torch.no_grad():
            painted, _ = self._paint(fused, photograph, reference, mask, weight)
        target = weight * features + (1 - weight) * next_item(features) if fused else features
        loss = logistic_loss(real) + MISMATCH_SHARE * logistic_loss(-mismatched)
        loss = total = loss + (1 - MISMATCH_SHARE) * logistic_loss(-discriminator(painted, target))
        s = self.settings
        if s["r1"] and index % s["r1_interval"] == 0:
            near = discriminator(painting + PENALTY_STEP * noise, features)
            slope = (near - real).mean((1, 2)) / PENALTY_STEP
            total = loss + 0.5 * s["r1"] * s["r1_interval"] * slope.square().mean()
        return total, (loss,)

    def _generator_loss(self, index, fused, photograph, painting, reference, mask, weight, noise):
        painted, content = self._paint(fused, photograph, reference, mask, weight)
        with torch.no_grad():
            features = self.discriminator.features(reference)
            if fused:
                features = weight * features + (1 - weight) * next_item(features)
        adversarial = logistic_loss(self.discriminator(painted, features))
        content_loss = F.l1_loss(self.generator.encode_content(painted)[-1], content[-1].detach())
        quarter = max(1, len(photograph) // 4)
        originals = torch.cat([photograph[:quarter], painting[:quarter]])
        reconstruction = F.l1_loss(self.generator(originals, originals), originals)
        s = self.settings
        loss = adversarial + s["reconstruction"] * reconstruction + s["content"] * content_loss
        return loss, (adversarial, reconstruction, content_loss)


def load_weights(training, path):
    """Load initial weights by name.

    Raises:
        RuntimeError: names or shapes differ, so the networks are not the same.
    """
    networks = {"generator": training.generator, "discriminator": training.discriminator}
    with np.load(path) as arrays:
        for name, network in networks.items():
            weights = {
                key.split("/", 1)[1].replace("/", "."): _transposed(arrays[key])
                for key in arrays.files
                if key.startswith(f"{name}/")
            }
            network.load_state_dict(weights)
    training.averaged.load_state_dict(training.generator.state_dict())


def _transposed(array):
    """A kernel with its axes in PyTorch's order instead of Keras's."""
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
    return torch.tensor(array.transpose(order).copy())


def _channels_first(pictures):
    return torch.tensor(pictures).permute(0, 3, 1, 2)  # a view: in memory, channels stay last


def main():
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(THREADS)
    training = Training(json.loads((folder / "settings.json").read_text()))
    load_weights(training, folder / "weights.npz")
    with np.load(folder / "batch.npz") as arrays:
        batch = [_channels_first(a) if a.ndim == 4 else torch.tensor(a) for a in arrays.values()]
    done = 0

    def take_turn():
        nonlocal done
        start = time.perf_counter()
        losses = [training.step(index, batch) for index in range(done, done + steps)]
        done += steps
        seconds = time.perf_counter() - start
        rate = steps * training.settings["batch"] / seconds
        return {"rate": rate, "losses": losses[0], "version": torch.__version__}

    serve(take_turn)


if __name__ == "__main__":
    main()
