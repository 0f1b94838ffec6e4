"""Scripts that ask one stored question again, without the harness."""
