"""Runs as files, and runs from elsewhere: written, read, merged and found by name."""
