"""What runs models that were exported from a framework, and the ways to export them."""
