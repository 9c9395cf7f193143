"""The page in a browser: everything that people do on it, and what they are told."""

import json
import shutil
import urllib.error
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
PATIENCE = 60_000  # milliseconds
TABS = ("Transfer", "Fuse", "Restore", "Portraits")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, address):
    """Opens the page; nothing may be fetched from elsewhere, and no program may fail."""
    contexts, faults = [], []

    def opened(width=1280, theme="light"):
        context = browser.new_context(viewport={"width": width, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if foreign(request) else None)
        page.goto(f"{address}/?__theme={theme}")
        page.get_by_text("Models: ").wait_for()
        return page

    def foreign(request):
        return not request.url.startswith((address, "data:", "blob:"))

    yield opened
    for context in contexts:
        context.close()
    assert not faults


def shown_tab(page, name):
    page.get_by_role("tab", name=name).click()
    panel = page.get_by_role("tabpanel").locator("visible=true").first
    panel.wait_for()
    return panel


def upload(panel, label, path):
    field = panel.locator(".block", has=panel.page.get_by_text(label, exact=True)).last
    field.locator("input[type=file]").set_input_files(path)
    field.get_by_role("button", name="Clear").or_(field.get_by_label("Remove")).first.wait_for()


def sources(panel):
    return panel.locator("img").evaluate_all("all => all.map(image => image.src)")


def until_changed(panel, before):
    panel.page.wait_for_function(
        "([panel, before]) => JSON.stringify([...panel.querySelectorAll('img')].map(i => i.src))"
        " !== before",
        arg=[panel.element_handle(), json.dumps(before, separators=(",", ":"))],
    )


def downloaded(panel, to):
    with panel.page.expect_download() as download:
        panel.get_by_role("button", name="Download at full size").click()
    download.value.save_as(to)
    return Image.open(to)


@NEEDS_CHROMIUM
def test_a_photograph_is_painted_in_a_style_of_the_gallery(opened, project, tmp_path):
    page = opened()
    panel = shown_tab(page, "Transfer")
    upload(panel, "Photograph", project / "a.png")
    before = sources(panel)
    panel.locator(".styles .thumbnail-item").nth(1).click()
    told = panel.get_by_role("paragraph").filter(has_text="Painter 1 · CC0-1.0")
    expect(told).to_be_visible()
    until_changed(panel, before)
    slider = panel.locator("input[type=range]").first
    slider.focus()
    before = sources(panel)
    page.keyboard.press("ArrowLeft")
    until_changed(panel, before)
    file = downloaded(panel, tmp_path / "painted.png")
    told = json.loads(file.text["stylefuse"])
    assert file.size == (160, 120)
    assert told["strength"] == 0.99
    assert told["model"] == "models/transfer"
    assert "DigitalSourceType" in file.text["XML:com.adobe.xmp"]


@NEEDS_CHROMIUM
def test_two_pictures_are_fused_where_a_mask_is_painted(opened, project, tmp_path):
    page = opened()
    panel = shown_tab(page, "Fuse")
    upload(panel, "First picture", project / "a.png")
    upload(panel, "Second picture", project / "b.png")
    fusion = panel.get_by_alt_text("The fusion of the two pictures")
    fusion.wait_for()
    whole = downloaded(panel, tmp_path / "whole.png").convert("RGB")
    panel.get_by_text("Paint where the first picture shows").click()
    canvas = panel.locator("canvas").last
    canvas.wait_for()
    page.wait_for_timeout(1000)  # the picture comes to lie on the canvas
    box, before = canvas.bounding_box(), sources(panel)
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(2):  # strokes as slow as a hand's
        page.mouse.move(*middle)
        page.mouse.down()
        page.wait_for_timeout(300)
        page.mouse.move(middle[0] + 30, middle[1] + 10, steps=8)
        page.wait_for_timeout(300)
        page.mouse.up()
        page.wait_for_timeout(300)
    until_changed(panel, before)
    file = downloaded(panel, tmp_path / "masked.png")
    assert list(file.convert("RGB").getdata()) != list(whole.getdata())
    assert json.loads(file.text["stylefuse"])["content_balance"] == 0.5


@NEEDS_CHROMIUM
def test_a_photograph_is_restored(opened, project, tmp_path):
    panel = shown_tab(opened(), "Restore")
    before = sources(panel)
    upload(panel, "Damaged photograph", project / "b.png")
    until_changed(panel, before)
    file = downloaded(panel, tmp_path / "restored.png")
    assert file.size == (128, 128)
    assert json.loads(file.text["stylefuse"])["strength"] == 1


@NEEDS_CHROMIUM
def test_portraits_are_invented(opened):
    panel = shown_tab(opened(), "Portraits")
    panel.get_by_role("button", name="The next ones").click()
    expect(panel.get_by_text("character 24", exact=True)).to_be_visible()
    expect(panel.locator("img")).to_have_count(12)


@NEEDS_CHROMIUM
def test_mistakes_are_told_in_a_sentence(opened, project):
    page = opened()
    panel = shown_tab(page, "Transfer")
    panel.get_by_role("button", name="Download at full size").click()
    expect(page.get_by_text("choose the pictures first")).to_be_visible()
    panel.locator("input[type=file]").first.set_input_files(project / "torn.png")
    expect(page.get_by_text("Photograph is damaged or cut short")).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


@NEEDS_CHROMIUM
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_it_can_be_used_by_everyone(opened, width, theme):
    """No serious finding of axe on any tab, and nothing is wider than a phone."""
    page = opened(width, theme)
    for name in TABS:
        shown_tab(page, name)
        page.wait_for_timeout(500)  # until colours have faded in
        found = Axe().run(page).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        told = {v["id"]: [node["html"] for node in v["nodes"]][:3] for v in serious}
        assert told == {}, name
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pages_of_other_sites_may_not_ask_it(address):
    for header in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(address, headers=header))
        assert refused.value.code == 403
