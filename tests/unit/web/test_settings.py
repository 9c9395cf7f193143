"""The browser's stored settings belong to fields of the same ranges and choices."""

import gradio as gr

from stylefuse.web.settings import storage_key


def test_the_key_changes_with_the_fields():
    fields = [gr.Slider(0, 1, label="Strength"), gr.Radio(["a", "b"], label="Colours")]
    key = storage_key("transfer", fields)
    assert key == storage_key("transfer", fields)
    for other in (
        storage_key("fuse", fields),
        storage_key("transfer", fields[:1]),
        storage_key("transfer", [gr.Slider(0, 2, label="Strength"), fields[1]]),
        storage_key("transfer", [fields[0], gr.Radio(["a"], label="Colours")]),
    ):
        assert other != key
