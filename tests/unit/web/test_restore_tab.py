"""The tab "Restore" offers every kind of damage that can be mended."""

from stylefuse.inference.degradation_kinds import MENDABLE
from stylefuse.web.tabs.restore import KINDS


def test_the_choices_are_the_kinds_that_can_be_mended():
    assert sorted(name for _, name in KINDS) == sorted(MENDABLE)
