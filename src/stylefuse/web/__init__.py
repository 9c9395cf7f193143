"""The web page of `stylefuse app`."""
