"""The scoring server's copies of versions."""

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.serving.launch import load_copy
from tests.unit.test_config import SHIPPED


def test_a_version_that_is_refused_leaves_no_copy(tmp_path):
    params = load_params(SHIPPED)
    unsigned, copy = tmp_path / "unsigned", tmp_path / "private" / "0"
    copy.parent.mkdir()
    unsigned.mkdir()
    (unsigned / "MLmodel").write_text("flavors: {python_function: {loader_module: other}}\n")
    with pytest.raises(UserError) as error:
        load_copy(str(unsigned), params.registry, params.serve, copy)
    assert error.value.code == "not-signed"
    assert not any(copy.parent.iterdir())
