"""A discriminator that does not see the reference, as in Goodfellow et al. 2014."""

import keras
from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.layers.convolution import activate
from stylefuse.models.losses import gradient_penalty, logistic_loss, share
from stylefuse.models.transfer.losses import paint
from stylefuse.models.transfer.networks import PairDiscriminator


@keras.saving.register_keras_serializable("stylefuse-benchmarks")
class UnconditionalDiscriminator(PairDiscriminator):
    """Classifies each patch of a picture as painted or not, whatever the painting.

    Call: pictures `[batch, height, width, 3]` and an argument that is ignored
    → logits `[batch, height/8, width/8]`.
    """

    def build(self, *shapes):
        """Do nothing: layers are built by their first calls, and those that compare with a
        reference must stay without weights."""

    def logits(self, maps, reference):
        return self.real(activate(self.head(maps)))[..., 0]


def build_discriminator(settings):
    """An `UnconditionalDiscriminator` with initial weights."""
    discriminator = UnconditionalDiscriminator(settings.discriminator_width, name="discriminator")
    discriminator(ops.zeros((1, 64, 64, 3)), None)
    return discriminator


def discriminator_loss(generator, discriminator, settings, penalise, fused):
    """Real: a painting. Fake: a photograph painted in the style of the reference.

    The transfer model's loss also has a painting with another painting's crop as a fake. Here such
    a pair would be real and fake at once, so it is left out.
    """

    def loss_function(photograph, painting, reference, mask, weight, noise, draws, probability):
        augment = augmentation(settings, draws, probability)
        painting = augment(painting)
        painted, _ = paint(generator, photograph, reference, mask, weight, fused)
        real = discriminator(painting, None)
        fake = discriminator(augment(ops.stop_gradient(painted)), None)
        loss = total = logistic_loss(real) + logistic_loss(-fake)
        if penalise:
            penalty = gradient_penalty(lambda x: discriminator(x, None), painting, real, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return loss_function
