"""The page in a browser: every tab, its error messages, and its accessibility."""

import functools
import http.server
import io
import json
import shutil
import threading
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from stylefuse.inference.style_file import save_style
from stylefuse.inference.style_gallery import shipped_styles
from stylefuse.web.download import SETTINGS_KEY
from stylefuse.web.styles import OF_ANOTHER_MODEL
from tests.support.gradio_page import call, reference
from tests.support.gradio_page import upload as upload_file
from tests.support.people import astronaut

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
TIMEOUT_MS = 600_000  # a busy machine may need minutes
expect.set_options(timeout=TIMEOUT_MS)
RESULT = ".result img"  # the photograph and the painted picture
TABS = ("Transfer", "Fuse", "Restore", "Characters", "Portraits")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the page; it may not load anything from other sites, and no script may fail."""
    contexts, errors = [], []

    def open_page(width=1280, theme="light"):
        context = browser.new_context(viewport={"width": width, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: None if is_own(request) else errors.append(request.url))
        page.goto(f"{address}/?__theme={theme}")
        page.get_by_role("tab", name=TABS[0]).wait_for()
        return page

    def is_own(request):
        return request.url.startswith((address, "data:", "blob:"))

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()
    panel = page.get_by_role("tabpanel").locator("visible=true").first
    panel.wait_for()
    return panel


def upload(panel, label, path):
    field = panel.locator(".block", has=panel.page.get_by_text(label, exact=True)).last
    field.locator("input[type=file]").set_input_files(path)
    field.get_by_role("button", name="Clear").or_(field.get_by_label("Remove")).first.wait_for()


def choose(panel, caption):
    """Choose an example, and wait until its field holds it: then its caption is shown."""
    panel.get_by_role("img", name=caption.partition(" · ")[0]).click()
    panel.get_by_role("paragraph").filter(has_text=caption).wait_for()


def paint_fast(panel):
    """Choose the quality that needs no half minute, and paints no further picture by itself."""
    panel.get_by_label("Fast", exact=True).check()


def sources(panel, images="img"):
    return panel.locator(images).evaluate_all("all => all.map(image => image.src)")


def wait_for_change(panel, before, images="img"):
    _wait_for_sources(panel, "!==", before, images)


def wait_for_sources(panel, expected, images="img"):
    _wait_for_sources(panel, "===", expected, images)


def _wait_for_sources(panel, comparison, sources, images):
    panel.page.wait_for_function(
        "([panel, images, sources]) => JSON.stringify("
        f"[...panel.querySelectorAll(images)].map(i => i.src)) {comparison} sources",
        arg=[panel.element_handle(), images, json.dumps(sources, separators=(",", ":"))],
    )


def wait_for_end_of_animations(page):
    page.wait_for_function(
        "document.getAnimations().every(animation => animation.playState === 'finished'"
        " || animation.effect.getComputedTiming().endTime === Infinity)"
    )


def wait_until_at_rest(canvas):
    """Wait until a canvas rests and shows a picture.

    Returns:
        Its middle on the screen, and the luminance there.
    """
    before = None
    while True:
        box = canvas.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        pixels = luminance(canvas.page, middle)
        if pixels.std() and before == (middle, pixels.tobytes()):
            return middle, pixels
        before = middle, pixels.tobytes()
        canvas.page.wait_for_timeout(300)


def luminance(page, middle):
    """The pixels of a small square of the screen."""
    clip = {"x": middle[0] - 6, "y": middle[1] - 6, "width": 12, "height": 12}
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L")).ravel()


def download(panel, path, label="Download at full size"):
    with panel.page.expect_download() as event:
        panel.get_by_role("button", name=label).click()
    event.value.save_as(path)
    return Image.open(path)


def download_of(panel, label):
    """The name of the downloaded file, and its content."""
    with panel.page.expect_download() as event:
        panel.get_by_role("button", name=label).click()
    return event.value.suggested_filename, event.value.path()


@NEEDS_CHROMIUM
def test_a_photograph_is_painted_in_a_style_of_the_gallery(open_page, project, tmp_path):
    page = open_page()
    panel = open_tab(page, "Transfer")
    upload(panel, "Photograph", project / "a.png")
    before = sources(panel)
    choose(panel, "Painter 1 · CC0-1.0")
    wait_for_change(panel, before)
    slider = panel.locator("input[type=range]").first
    slider.focus()
    before = sources(panel)
    page.keyboard.press("ArrowLeft")
    wait_for_change(panel, before)
    file = download(panel, tmp_path / "painted.png")
    settings = json.loads(file.text[SETTINGS_KEY])
    assert file.size == (160, 120)
    assert settings["strength"] == 0.99
    assert settings["model"] == "models/transfer"
    assert "DigitalSourceType" in file.text["XML:com.adobe.xmp"]


@NEEDS_CHROMIUM
def test_a_learned_style_is_chosen_or_uploaded(open_page, project, tmp_path):
    """The model of the tests is another than the shipped one, which is said."""
    page = open_page()
    panel = open_tab(page, "Transfer")
    upload(panel, "Photograph", project / "a.png")
    choose(panel, "The Great Wave off Kanagawa · Katsushika Hokusai · GPL-3+")
    expect(page.locator(".toast-body")).to_contain_text(OF_ANOTHER_MODEL)
    _, path = download_of(panel, "Download at full size")
    settings = json.loads(Image.open(path).text[SETTINGS_KEY])
    assert settings["learned_styles"] == ["The Great Wave off Kanagawa"]
    style = replace(shipped_styles()["great-wave"], name="<b>Mine</b>", source="", licence="")
    save_style(style, tmp_path / "mine.style")
    panel.get_by_label("Fast", exact=True).check()
    panel.locator("input[type=file][accept='.style']").set_input_files(tmp_path / "mine.style")
    panel.get_by_role("paragraph").filter(has_text="<b>Mine</b>").wait_for()
    _, path = download_of(panel, "Download at full size")
    settings = json.loads(Image.open(path).text[SETTINGS_KEY])
    assert settings["learned_styles"] == ["<b>Mine</b>"]


@NEEDS_CHROMIUM
def test_a_preview_is_painted_on_before_ones_eyes(open_page, project, tmp_path):
    """It begins with the fast one, and is given up when the fast one is chosen."""
    panel = open_tab(open_page(), "Transfer")
    upload(panel, "Photograph", project / "a.png")
    assert sources(panel, RESULT) == []
    paint_fast(panel)
    panel.get_by_role("img", name="Painter 1").click()
    wait_for_change(panel, [], RESULT)
    fast = sources(panel, RESULT)
    panel.get_by_label("Painted, in about half a minute").check()
    wait_for_change(panel, fast, RESULT)
    paint_fast(panel)
    wait_for_sources(panel, fast, RESULT)
    panel.page.wait_for_timeout(3000)  # no step of the painting may follow
    assert sources(panel, RESULT) == fast
    settings = json.loads(download(panel, tmp_path / "fast.png").text[SETTINGS_KEY])
    assert settings["quality"] == "fast"


@NEEDS_CHROMIUM
def test_two_pictures_are_fused_where_a_mask_is_painted(open_page, project, tmp_path):
    page = open_page()
    panel = open_tab(page, "Fuse")
    paint_fast(panel)
    upload(panel, "First picture", project / "a.png")
    upload(panel, "Second picture", project / "b.png")
    fusion = panel.get_by_alt_text("The fusion of the two pictures")
    fusion.wait_for()
    without_mask = download(panel, tmp_path / "without_mask.png").convert("RGB")
    panel.get_by_text("Mask: brush over what to keep of the first picture").click()
    canvas = panel.locator("canvas").last
    canvas.wait_for()
    middle, below = wait_until_at_rest(canvas)
    before = sources(panel)
    page.mouse.move(*middle)
    page.mouse.down()
    page.wait_for_timeout(300)
    page.mouse.move(middle[0] + 30, middle[1] + 10, steps=8)
    page.wait_for_timeout(300)
    page.mouse.up()
    wait_for_change(panel, before)  # after one stroke
    page.mouse.move(0, 0)
    assert np.corrcoef(below, luminance(page, middle))[0, 1] > 0.9  # the picture is still visible
    file = download(panel, tmp_path / "masked.png")
    assert list(file.convert("RGB").getdata()) != list(without_mask.getdata())
    assert json.loads(file.text[SETTINGS_KEY])["content_balance"] == 0.5


@NEEDS_CHROMIUM
def test_a_photograph_is_restored(open_page, project, tmp_path):
    panel = open_tab(open_page(), "Restore")
    before = sources(panel)
    upload(panel, "Damaged photograph", project / "b.png")
    wait_for_change(panel, before)
    file = download(panel, tmp_path / "restored.png")
    assert file.size == (128, 128)
    assert json.loads(file.text[SETTINGS_KEY])["strength"] == 1


@NEEDS_CHROMIUM
def test_a_person_becomes_a_character_of_the_gallery(open_page, project, tmp_path):
    astronaut().save(project / "astronaut.png")
    panel = open_tab(open_page(), "Characters")
    expect(panel.locator(".choices img").first).to_be_visible()
    before = sources(panel, ".choices img")
    paint_fast(panel)
    upload(panel, "Photograph of a person", project / "astronaut.png")
    wait_for_change(panel, before, ".choices img")  # they are sorted by how they fit
    expect(panel.locator(".result img")).to_be_visible()
    shown = sources(panel, ".result img")
    panel.locator(".choices").get_by_role("button").filter(has_text="king").click()
    expect(panel.get_by_label("Character", exact=True)).to_have_value("king")
    wait_for_change(panel, shown, ".result img")
    file = download(panel, tmp_path / "king.png")
    assert file.size == (512, 512)
    assert json.loads(file.text[SETTINGS_KEY])["character"] == "king"


@NEEDS_CHROMIUM
def test_portraits_are_invented(open_page):
    panel = open_tab(open_page(), "Portraits")
    expect(panel.get_by_role("img", name="12", exact=True)).to_be_visible()  # as the tab opens
    panel.get_by_role("button", name="12 more").click()
    expect(panel.get_by_role("img", name="24", exact=True)).to_be_visible()
    expect(panel.locator("img")).to_have_count(12)
    name, path = download_of(panel, "Download this one")
    assert name == "character-13-portrait.png"
    assert json.loads(Image.open(path).text[SETTINGS_KEY])["seed"] == 13


@NEEDS_CHROMIUM
def test_the_versions_of_the_models_are_shown(open_page):
    page = open_page()
    page.get_by_role("button", name="Models").click()
    expect(page.get_by_text("Transfer: Model in the folder models/transfer")).to_be_visible()


@NEEDS_CHROMIUM
def test_mistakes_are_messages_on_the_page_alone(open_page, project, address):
    page = open_page()
    panel = open_tab(page, "Transfer")
    panel.get_by_role("button", name="Download at full size").click()
    expect(page.get_by_text("choose the pictures first")).to_be_visible()
    for file, message in (
        ("damaged.png", "Photograph is damaged or cut short"),
        ("params.yaml", "Invalid file type"),
        ("text.png", "This file is not a picture I can open"),
        ("large.png", "Photograph has 8000×8000 pixels, more than the 40,000,000 allowed"),
    ):
        panel.locator("input[type=file]").first.set_input_files(project / file)
        expect(page.get_by_text(message).first).to_be_visible()
    panel.get_by_role("button", name="Several photographs").click()
    panel.get_by_role("button", name="Paint all and download").click()
    expect(page.get_by_text("choose the photographs first")).to_be_visible()
    panel = open_tab(page, "Portraits")
    panel.get_by_label("Blend with character").fill("")
    panel.get_by_label("Character number").fill("-5")
    expect(panel.get_by_role("img", name="0", exact=True)).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    assert (project / "log").read_text().splitlines() == [f"the page: {address}"]


@NEEDS_CHROMIUM
def test_the_examples_can_be_mixed_and_several_photographs_painted(open_page, project, tmp_path):
    """With three styles, and names that a file system or a zip file could stumble over."""
    name = "naïve 日本 (1).jpg"
    (tmp_path / name).write_bytes((project / "a.png").read_bytes())
    panel = open_tab(open_page(), "Transfer")
    paint_fast(panel)
    choose(panel, "A coast · public domain")
    choose(panel, "Painter 0 · CC0-1.0")
    panel.get_by_role("button", name="Mix with other styles").click()
    upload(panel, "Second style", project / "a.png")
    before = sources(panel)
    upload(panel, "Third style", project / "b.png")
    wait_for_change(panel, before)
    single, path = download_of(panel, "Download at full size")
    assert single == "coast-transfer.png"
    settings = json.loads(Image.open(path).text[SETTINGS_KEY])
    assert settings["style_weights"] == [1, 1, 1]
    panel.get_by_role("button", name="Several photographs").click()
    files = panel.locator(".block", has=panel.page.get_by_text("Photographs", exact=True)).last
    files.locator("input[type=file]").set_input_files(
        [tmp_path / name, project / "params.yaml", project / "b.png", project / "b.png"]
    )
    panel.page.get_by_text("params").wait_for()
    _, path = download_of(panel, "Paint all and download")
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {
            "naïve 日本 (1)-transfer.png", "b-transfer.png", "b-transfer-2.png",
        }  # fmt: skip
        with archive.open("b-transfer.png") as file, Image.open(file) as picture:
            assert picture.size == (128, 128)
    report = panel.get_by_label("Result").input_value()
    assert "3 of 4" in report
    assert "params.yaml: This file is not a picture I can open" in report


@NEEDS_CHROMIUM
def test_settings_survive_a_reload(open_page):
    page = open_page()
    panel = open_tab(page, "Transfer")
    panel.get_by_label("Keep the photo's palette").check()
    panel.locator("input[type=range]").last.focus()
    page.keyboard.press("ArrowLeft")
    panel = open_tab(page, "Fuse")
    panel.get_by_label("Hide the seam").check()
    page.wait_for_function(
        "Object.keys(localStorage).some(key => key.startsWith('stylefuse-fuse'))"
    )
    page.reload()
    panel = open_tab(page, "Transfer")
    expect(panel.get_by_label("Keep the photo's palette")).to_be_checked()
    expect(panel.locator("input[type=number]").last).not_to_have_value("1.5625")
    expect(open_tab(page, "Fuse").get_by_label("Hide the seam")).to_be_checked()


@NEEDS_CHROMIUM
def test_on_a_phone_the_result_stays_in_view(open_page, project):
    page = open_page(375)
    panel = open_tab(page, "Transfer")
    paint_fast(panel)
    upload(panel, "Photograph", project / "a.png")
    panel.get_by_role("img", name="Painter 1").click()
    result = panel.locator(".result img").first
    result.wait_for()
    pictures = panel.locator(".pictures").bounding_box()
    assert 0 <= result.bounding_box()["y"] - pictures["y"] < 400  # close below the photograph
    panel.get_by_text("Stroke size").scroll_into_view_if_needed()
    expect(result).to_be_in_viewport()


@NEEDS_CHROMIUM
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (375, "light")])
def test_it_is_accessible(open_page, width, theme):
    """axe reports nothing serious on any tab, and nothing is wider than the screen."""
    page = open_page(width, theme)
    for name in TABS:
        open_tab(page, name)
        wait_for_end_of_animations(page)
        violations = Axe().run(page).response["violations"]
        serious = [v for v in violations if v["impact"] in ("serious", "critical")]
        elements = {v["id"]: [node["html"] for node in v["nodes"]][:3] for v in serious}
        assert elements == {}, name
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_name_in_serve_hosts_is_accepted(address):
    name = address.replace("127.0.0.1", "paint.example")
    headers = {"Host": name.removeprefix("http://"), "Origin": name}
    for path in ("/", "/config"):
        request = urllib.request.Request(address + path, headers=headers)
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200


def test_requests_from_other_sites_are_rejected(address):
    for header in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(urllib.request.Request(address, headers=header))
        assert error.value.code == 403


def test_only_uploaded_files_are_painted(address, project):
    def restored(path):
        return call(address, "preview-restore", reference(path), 0, [], [], 1)

    for path in (str(project / "a.png"), "/dev/zero", "https://example.org/a.png"):
        assert restored(path) == 403
    assert restored(upload_file(address, project / "a.png"))["success"]


@NEEDS_CHROMIUM
def test_markup_in_the_name_of_a_file_is_text(open_page, project, tmp_path):
    name = "<img src=x onerror=document.title=1337>.jpg"
    (tmp_path / name).write_text("no picture")
    page = open_page()
    panel = open_tab(page, "Transfer")
    paint_fast(panel)
    choose(panel, "A coast · public domain")
    choose(panel, "Painter 0 · CC0-1.0")
    panel.get_by_role("button", name="Several photographs").click()
    files = panel.locator(".block", has=page.get_by_text("Photographs", exact=True)).last
    files.locator("input[type=file]").set_input_files([tmp_path / name])
    panel.get_by_role("button", name="Paint all and download").click()
    expect(page.locator(".toast-body")).to_contain_text(name)
    assert page.locator(".toast-body img[src=x]").count() == 0
    assert page.title() != "1337"


@pytest.fixture
def other_site(address, tmp_path):
    """The address of another site, with a picture and a link that lead to the page."""
    picture = f"{address}/gradio_api/custom_component/%1b%5b31m/client/component/x.js"
    content = f'<a href="{address}/">the page</a> <img src="{picture}">'
    (tmp_path / "index.html").write_text(content)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://localhost:{site.server_port}/"  # the page is at 127.0.0.1
        site.shutdown()


@NEEDS_CHROMIUM
def test_a_page_of_another_site_may_only_link_here(browser, other_site, address, project):
    before = (project / "log").read_text()
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    with page.expect_request(f"{address}/gradio_api/**"):
        page.goto(other_site)  # until it is loaded, with the picture
    assert (project / "log").read_text() == before  # Gradio prints the name of the component
    page.get_by_role("link").click()
    page.get_by_role("tab", name=TABS[0]).wait_for()
    page.close()
