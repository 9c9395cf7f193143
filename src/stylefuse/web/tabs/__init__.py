"""The tabs of the page: one function per tab, which adds its components to the open `gr.Blocks`."""
