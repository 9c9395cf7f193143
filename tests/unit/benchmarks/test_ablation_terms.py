"""What the ablation adds to the transfer recipe, and that it adds nothing else."""

import sys
from pathlib import Path

import numpy as np
import pytest
from keras import ops, utils

from stylefuse.config import load_params
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.transfer import TASK
from stylefuse.models.transfer.batches import TransferBatch

ROOT = Path(__file__).parents[3]
SIZE = (2, 32, 32, 3)
SHAPE = {"width": 4, "blocks": 1, "code": 8}


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):

    yield
    for name in ("terms", "contrast", "unconditional"):
        sys.modules.pop(name, None)


def settings_with(**own):
    from benchmarks.quality.ablation_task import Settings

    small = load_params(ROOT / "params.yaml").train("transfer").model_dump() | SHAPE
    return Settings.model_validate(small | {"discriminator_width": 4, **own})


def drawn(seed=0):
    stream = np.random.default_rng(seed)
    pictures = stream.uniform(-1, 1, (3, *SIZE)).astype("float32")
    return TransferBatch(
        *map(ops.convert_to_tensor, pictures),
        mask=np.ones((*SIZE[:3], 1), "float32"),
        weight=np.ones((SIZE[0], 1), "float32"),
        noise=stream.standard_normal(SIZE).astype("float32"),
        draws=stream.random((SIZE[0], DRAWS), dtype="float32"),
    )


def built(task, settings):
    utils.set_random_seed(0)
    return task.build_generator(**SHAPE), task.build_discriminator(settings)


def test_without_weights_it_is_the_recipe():

    settings, batch = settings_with(), (*drawn(), np.float32(0))
    networks = built(TASK, settings)
    for way in ("generator_loss", "discriminator_loss"):
        rest = (settings, True, 0) if way.startswith("d") else (settings, 0)
        ours, theirs = (getattr(task, way)(*networks, *rest)(*batch) for task in (terms.TASK, TASK))
        assert float(ours[0]) == float(theirs[0])
        np.testing.assert_array_equal(ours[1][: len(theirs[1])], theirs[1])


def test_the_term_is_added_by_its_weight(monkeypatch):
    from benchmarks.quality import contrast, terms

    monkeypatch.setattr(contrast, "patch_contrast", lambda found, kept, noise: 10.0)
    batch = (*drawn(), np.float32(0))
    networks = built(TASK, settings_with())

    def loss(**weights):
        return float(terms.TASK.generator_loss(*networks, settings_with(**weights), 0)(*batch)[0])

    assert loss(contrastive=2.0) - loss() == pytest.approx(20, rel=1e-4)


def test_an_unconditional_discriminator_looks_at_no_reference():

    settings = settings_with(conditional=False)
    generator, discriminator = built(terms.TASK, settings)
    sizes = (d.count_params() for d in (discriminator, TASK.build_discriminator(settings)))
    assert next(sizes) < next(sizes)
    one, other = drawn(), drawn(1)
    judged = [
        discriminator(one.painting, discriminator.features(b.reference)) for b in (one, other)
    ]
    np.testing.assert_array_equal(*map(np.asarray, judged))
    loss_function = terms.TASK.discriminator_loss(generator, discriminator, settings, True, 0)
    total, (loss, *shares) = loss_function(*one, np.float32(0))
    assert float(total) > float(loss) and all(0 <= float(s) <= 1 for s in shares)


def test_contrast_wants_each_place_where_it_was():
    from benchmarks.quality.patch_contrastive import patch_contrast

    batch = drawn()
    kept = built(TASK, settings_with())[0].encode_content(batch.photograph)
    moved = [ops.roll(x, 1, axis=1) for x in kept]
    flat = [ops.ones_like(x) for x in kept]
    here, there, nowhere = (
        float(patch_contrast(x, kept, batch.noise)) for x in (kept, moved, flat)
    )
    assert here < nowhere < there
    assert float(patch_contrast(flat, flat, batch.noise)) == pytest.approx(np.log(64), rel=1e-3)
