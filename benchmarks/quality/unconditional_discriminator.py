"""A discriminator that is not shown the reference: the plain game of Goodfellow et al. 2014."""

import keras
from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.layers.convolution import activate
from stylefuse.models.losses import gradient_penalty, logistic_loss, share
from stylefuse.models.transfer.losses import paint
from stylefuse.models.transfer.networks import PairDiscriminator


@keras.saving.register_keras_serializable("stylefuse-benchmarks")
class UnconditionalDiscriminator(PairDiscriminator):
    """Tells, patch by patch, whether a picture is painted, by whomever.

    Call: pictures `[batch, height, width, 3]`, and anything → logits `[batch, height/8, width/8]`.
    """

    def build(self, *shapes):
        """Leave it to the layers' first calls: those that compare with a reference have none."""

    def judge(self, maps, reference):
        return self.real(activate(self.head(maps)))[..., 0]


def build_discriminator(settings):
    discriminator = UnconditionalDiscriminator(settings.discriminator_width, name="discriminator")
    discriminator(ops.zeros((1, 64, 64, 3)), None)
    return discriminator


def discriminator_loss(generator, discriminator, settings, penalise, fused):
    """Real: a painting. Fake: a photograph painted after it. The recipe's objective but for the
    third pair, a painting beside another one's crop, which here would be real and fake at once."""

    def loss_function(photograph, painting, reference, mask, weight, noise, draws, probability):
        seen = augmentation(settings, draws, probability)
        painting = seen(painting)
        painted, _ = paint(generator, photograph, reference, mask, weight, fused)
        real = discriminator(painting, None)
        fake = discriminator(seen(ops.stop_gradient(painted)), None)
        loss = total = logistic_loss(real) + logistic_loss(-fake)
        if penalise:
            penalty = gradient_penalty(lambda x: discriminator(x, None), painting, real, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return loss_function
