"""Where pictures come from: a reader for each kind of source, archives and downloads."""
