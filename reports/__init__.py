"""Pages of what was stored: one self-contained HTML file that opens from disk, offline."""
