"""TODO docstring."""

import socket

from stylefuse.errors import UserError

LOOPBACK, UI_PORT = "127.0.0.1", 5000


def refuse_busy(host: str, port: int) -> None:
    """Raise a UserError where a port cannot be listened on."""
    if not 0 < port < 65536:
        raise UserError(f"{port} is not a port; give a number from 1 to 65535")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind((host, port))
    except (OSError, UnicodeError, TypeError) as error:  # the last is a host that is no name
        why = getattr(error, "strerror", None) or error
        raise UserError(
            f"{host}:{port} cannot be used ({why}); end what uses it, or choose another --port"
        ) from None
