"""`make flows` starts no second server beside the one that Prefect is configured to use."""

import pytest
from flows.serve import _refuse_second_server
from prefect.settings import PREFECT_API_URL, temporary_settings

from stylefuse.errors import UserError

OWN = "http://127.0.0.1:4200/api"


@pytest.mark.parametrize("configured", [None, OWN, f"{OWN}/"])
def test_its_own_address_or_none_may_be_configured(configured):
    with temporary_settings({PREFECT_API_URL: configured}):
        _refuse_second_server(OWN)


@pytest.mark.parametrize("configured", ["http://prefect.example.org/api", OWN.replace("42", "43")])
def test_another_server_is_not_doubled(configured):
    with temporary_settings({PREFECT_API_URL: configured}):
        with pytest.raises(UserError) as error:
            _refuse_second_server(OWN)
        assert error.value.code == "server-elsewhere"
