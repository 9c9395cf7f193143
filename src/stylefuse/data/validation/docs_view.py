"""The view that writes Great Expectations' Data Docs; texts of the data stay texts.

Great Expectations escapes the parameters of its templates, but writes what is a plain text, such as
a cell of a table of unexpected values, into the page as it is.
"""

import html
from typing import Any

from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import pass_context


class EscapingPageView(DefaultJinjaPageView):
    """A page whose plain texts are escaped, and whose templates are left to Great Expectations."""

    @pass_context
    def render_content_block(
        self, jinja_context: Any, content_block: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Render a block; a plain text, alone or in a list, is no markup."""
        if isinstance(content_block, str):
            return html.escape(content_block, quote=False)
        if isinstance(content_block, list):
            content_block = [
                html.escape(block, quote=False) if isinstance(block, str) else block
                for block in content_block
            ]
        return super().render_content_block(jinja_context, content_block, *args, **kwargs)
