"""The server that Prefect starts for a flow where none is configured, and stops at its end."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_SERVER_API_AUTH_STRING,
    get_current_settings,
    temporary_settings,
)

PASSWORD_BYTES = 24


@contextmanager
def password_required() -> Iterator[None]:
    """Have a temporary server ask for a random password, which only the flow knows.

    Without it, every user of the machine could read and change the flow's records.
    """
    if get_current_settings().api.url:
        yield  # a server of its own, with its own password
        return
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    names = (PREFECT_SERVER_API_AUTH_STRING, PREFECT_API_AUTH_STRING)
    with temporary_settings(dict.fromkeys(names, password)):
        yield
