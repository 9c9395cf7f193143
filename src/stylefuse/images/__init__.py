"""Pictures: opening, resizing, saving, base64, metadata and statistics."""
