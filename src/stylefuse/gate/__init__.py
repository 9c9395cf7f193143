"""The promotion gate: decides whether a challenger may become the champion."""
