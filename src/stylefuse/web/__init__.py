"""The web page: `stylefuse app`."""
