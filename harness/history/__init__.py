"""What changed from one run to another, and over all of them."""
