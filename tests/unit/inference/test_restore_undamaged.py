"""The shipped weights leave undamaged pictures as they are, and mend damaged ones."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.inference.predictor import load_predictor
from stylefuse.models.restore.capture_damage import jpeg_with, noise_with
from stylefuse.paths import BASE_MODELS

UNCHANGED_PSNR = 45  # dB
Y, X = np.mgrid[:240, :320] / 320
PHOTOGRAPH = np.asarray(Image.fromarray(data.astronaut()).resize((256, 256), Image.Resampling.BOX))


def text_page():
    sheet = Image.new("RGB", (480, 360), "white")
    font = ImageFont.load_default(15)
    for y in range(10, 350, 21):
        line = f"Line {y}: The quick brown fox jumps over the lazy dog, {7 * y} times."
        ImageDraw.Draw(sheet).text((12, y), line, "black", font)
    return np.asarray(sheet)


def screenshot():
    window = Image.new("RGB", (480, 360), (246, 246, 244))
    pen, font = ImageDraw.Draw(window), ImageFont.load_default(13)
    pen.rectangle((0, 0, 480, 30), (60, 90, 160))
    pen.text((10, 8), "File   Edit   View   Help", "white", font)
    for row in range(8):
        top = 45 + 38 * row
        pen.rounded_rectangle((20, top, 200, top + 28), 4, (225, 228, 235), (140, 145, 160))
        pen.text((30, top + 7), f"Open recent file {row}", (20, 20, 30), font)
        pen.text((225, top + 7), f"{row + 2} pictures, changed on Monday", (20, 20, 30), font)
    return np.asarray(window)


def drawing():
    sheet = Image.new("RGB", (640, 480), (180, 215, 250))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 330, 640, 480), (120, 180, 90))
    pen.ellipse((480, 40, 580, 140), (255, 220, 90), "black", 4)
    pen.rectangle((180, 200, 420, 380), (230, 200, 160), "black", 4)
    pen.polygon((160, 204, 300, 90, 440, 204), (170, 60, 50), "black", 4)
    pen.rectangle((280, 290, 330, 380), (110, 70, 40), "black", 4)
    return np.asarray(sheet.reduce(2))


def gradient():
    colours = np.array([[170, 60, 250], [120, 160, 190]])
    return np.rint(colours[0] + X[..., None] * (colours[1] - colours[0])).astype(np.uint8)


def glow():
    return np.rint(255 * np.exp(-3 * np.hypot(X - 0.5, Y - 0.4)))[..., None].repeat(3, 2)


def areas():
    picture = np.full((240, 320, 3), (40, 120, 200))
    picture[60:, 100:] = 250, 240, 220
    return picture


@pytest.fixture(scope="module")
def predictor():
    return load_predictor(BASE_MODELS / "restore")


@pytest.mark.parametrize("make", [text_page, screenshot, drawing, gradient, glow, areas])
def test_an_undamaged_picture_that_is_no_photograph_stays_as_it_is(predictor, make):
    picture = np.asarray(make(), np.uint8)
    assert psnr(picture, predictor.render(picture)) >= UNCHANGED_PSNR


@pytest.mark.parametrize("quality", [None, 95, 88])
def test_an_undamaged_photograph_and_its_good_jpeg_stay_as_they_are(predictor, quality):
    picture = PHOTOGRAPH if quality is None else jpeg_with(PHOTOGRAPH, quality)
    assert psnr(picture, predictor.render(picture)) >= UNCHANGED_PSNR


@pytest.mark.parametrize(
    ("damage", "gain"),
    [
        (lambda picture, rng: noise_with(picture, 20, rng), 4),
        (lambda picture, rng: jpeg_with(picture, 12), 0.2),
    ],
)
def test_a_clearly_damaged_photograph_is_mended(predictor, damage, gain):
    damaged = damage(PHOTOGRAPH, np.random.default_rng(0))
    restored = predictor.render(damaged)
    assert psnr(PHOTOGRAPH, restored) > psnr(PHOTOGRAPH, damaged) + gain
