"""Losses with options, said without them."""
