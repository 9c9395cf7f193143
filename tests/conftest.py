"""Property tests draw the same examples every time, and take as long as a busy machine needs; files
that take longest begin first, or one worker would still be at them when the others have ended."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

LONGEST = ("tests/test_pipeline.py", "tests/flows/test_deployments.py", "tests/web/test_page.py")


def pytest_collection_modifyitems(items):
    """Files stay together, and those of `LONGEST` come first."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(LONGEST)))
