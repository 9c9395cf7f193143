"""The task of the ablation: what it adds to the transfer model, and that it adds nothing else."""

import numpy as np
import pytest
from benchmarks.quality import ablation_task, patch_contrastive
from keras import ops, utils

from stylefuse.config import load_params
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.transfer import TASK
from stylefuse.models.transfer.batches import TransferBatch
from tests.support.models import SHIPPED

BATCH_SHAPE = (2, 32, 32, 3)
ARCHITECTURE = {"width": 4, "blocks": 1, "code": 8}
PHASE = 0
NO_AUGMENTATION = np.float32(0)


def make_settings(**changes):
    small = load_params(SHIPPED).model_settings("transfer").model_dump() | ARCHITECTURE
    settings = small | {"discriminator_width": 4, **changes}
    return ablation_task.Settings.model_validate(settings)


def make_batch(seed=0):
    rng = np.random.default_rng(seed)
    pictures = rng.uniform(-1, 1, (3, *BATCH_SHAPE)).astype("float32")
    return TransferBatch(
        *map(ops.convert_to_tensor, pictures),
        mask=np.ones((*BATCH_SHAPE[:3], 1), "float32"),
        weight=np.ones((BATCH_SHAPE[0], 1), "float32"),
        noise=rng.standard_normal(BATCH_SHAPE).astype("float32"),
        draws=rng.random((BATCH_SHAPE[0], DRAWS), dtype="float32"),
    )


def make_networks(task, settings):
    utils.set_random_seed(0)
    return task.build_generator(**ARCHITECTURE), task.build_discriminator(settings)


@pytest.mark.parametrize(
    ("loss", "arguments"), [("generator_loss", ()), ("discriminator_loss", (True,))]
)
def test_the_default_settings_give_the_losses_of_the_transfer_model(loss, arguments):
    settings, batch = make_settings(), (*make_batch(), NO_AUGMENTATION)
    networks = make_networks(TASK, settings)
    (total, metrics), (expected_total, expected_metrics) = (
        getattr(task, loss)(*networks, settings, *arguments, PHASE)(*batch)
        for task in (ablation_task.TASK, TASK)
    )
    assert float(total) == float(expected_total)
    np.testing.assert_array_equal(metrics[: len(expected_metrics)], expected_metrics)


def test_the_same_seed_gives_the_weights_of_the_transfer_model():
    settings = make_settings()
    networks, expected = make_networks(ablation_task.TASK, settings), make_networks(TASK, settings)
    for network, expected_network in zip(networks, expected, strict=True):
        weights = network.get_weights(), expected_network.get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_a_metric_is_reported_for_every_name():
    settings, batch = make_settings(), (*make_batch(), NO_AUGMENTATION)
    task = ablation_task.TASK
    _, metrics = task.generator_loss(*make_networks(task, settings), settings, PHASE)(*batch)
    assert len(metrics) == len(task.metric_names)


def test_the_contrastive_term_is_added_with_its_weight(monkeypatch):
    monkeypatch.setattr(patch_contrastive, "patch_contrastive_loss", lambda *maps: 10.0)
    batch = (*make_batch(), NO_AUGMENTATION)
    networks = make_networks(TASK, make_settings())

    def loss(**weights):
        settings = make_settings(**weights)
        return float(ablation_task.TASK.generator_loss(*networks, settings, PHASE)(*batch)[0])

    assert loss(contrastive=2.0) - loss() == pytest.approx(20, rel=1e-4)


def test_the_contrastive_term_compares_the_painted_picture_with_its_photograph():
    batch = make_batch()
    settings = make_settings(contrastive=1.0)
    generator, discriminator = make_networks(TASK, settings)
    generator_loss = ablation_task.TASK.generator_loss(generator, discriminator, settings, PHASE)
    contrastive = generator_loss(*batch, NO_AUGMENTATION)[1][-1]
    painted = generator(batch.photograph, batch.reference)
    maps = map(generator.encode_content, (painted, batch.photograph))
    expected = patch_contrastive.patch_contrastive_loss(*maps, batch.noise)
    assert float(contrastive) == pytest.approx(float(expected), rel=1e-4)


def test_an_unconditional_discriminator_ignores_the_reference():
    settings = make_settings(conditional=False)
    generator, discriminator = make_networks(ablation_task.TASK, settings)
    conditional = TASK.build_discriminator(settings)
    assert discriminator.count_params() < conditional.count_params()
    batch, other_batch = make_batch(), make_batch(1)
    logits = [
        discriminator(batch.painting, discriminator.features(b.reference))
        for b in (batch, other_batch)
    ]
    np.testing.assert_array_equal(*map(np.asarray, logits))
    loss_function = ablation_task.TASK.discriminator_loss(
        generator, discriminator, settings, True, PHASE
    )
    total, (loss, *accuracies) = loss_function(*batch, NO_AUGMENTATION)
    assert float(total) > float(loss)  # by the gradient penalty
    assert all(0 <= float(accuracy) <= 1 for accuracy in accuracies)


def test_the_contrastive_loss_is_lowest_where_positions_agree():
    batch = make_batch()
    generator, _ = make_networks(TASK, make_settings())
    source = generator.encode_content(batch.photograph)
    shifted = [ops.roll(x, 1, axis=1) for x in source]
    flat = [ops.ones_like(x) for x in source]

    def loss(painted, source):
        return float(patch_contrastive.patch_contrastive_loss(painted, source, batch.noise))

    assert loss(source, source) < loss(flat, source) < loss(shifted, source)
    chance = np.log(patch_contrastive.POSITIONS)
    assert loss(flat, flat) == pytest.approx(chance, rel=1e-3)
