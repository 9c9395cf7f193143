"""TCP ports of the project's servers."""

import socket

from stylefuse.errors import UserError

LOOPBACK, UI_PORT = "127.0.0.1", 5000


def require_free_port(host: str, port: int) -> None:
    """Check that a server can listen on a port.

    Raises:
        UserError: the port number is invalid, the port is in use, or the host is not an address
            of this machine.
    """
    if not 0 < port < 65536:
        raise UserError(
            f"{port} is not a port number; choose one from 1 to 65535", code="option-out-of-range"
        )
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind((host, port))
    except (OSError, UnicodeError, TypeError) as error:  # the last two: an invalid host name
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{host}:{port} cannot be used ({reason}); end the program that uses it, or choose "
            "another --port",
            code="port-unavailable",
        ) from None
