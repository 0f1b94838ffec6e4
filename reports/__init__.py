"""Pages made from stored results; one file a page."""
