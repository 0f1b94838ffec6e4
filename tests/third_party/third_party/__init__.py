"""Adapters as a third party brings them, found by entry point once this folder's parent is on the path."""
