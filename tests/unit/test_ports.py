"""A port is checked before a server is started."""

import socket

import pytest

from stylefuse.errors import UserError
from stylefuse.ports import LOOPBACK, require_free_port


@pytest.fixture
def bound():
    """A socket that listens on a port of its own."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_passes(bound):
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        free = probe.getsockname()[1]
    require_free_port(LOOPBACK, free)


def test_a_port_in_use_is_named(bound):
    with pytest.raises(UserError, match=rf"127\.0\.0\.1:{bound} cannot be used \(") as error:
        require_free_port(LOOPBACK, bound)
    assert error.value.code == "port-unavailable"


@pytest.mark.parametrize("host", ["no such host", "x" * 300, "192.0.2.1", None])
def test_a_host_that_is_not_this_machine_is_refused(host):
    with pytest.raises(UserError) as error:
        require_free_port(host, 5000)
    assert error.value.code == "port-unavailable"


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_number_that_is_not_a_port_is_refused(port):
    with pytest.raises(UserError, match=f"{port} is not a port number") as error:
        require_free_port(LOOPBACK, port)
    assert error.value.code == "option-out-of-range"
