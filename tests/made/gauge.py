"""A gauge of memory in use, as `harness.timing.memory` reads one, whose readings are made up."""


class MadeUp:
    """A gauge whose numbers come from the calls."""

    def __init__(self, used=100, most=900):
        """Start with something in use, and an old peak."""
        self.used, self.most = used, most

    def reset(self):
        """Forget the peak."""
        self.most = self.used

    def in_use(self):
        """Return what is in use."""
        return self.used

    def peak(self):
        """Return the most."""
        return self.most

    def take(self, count):
        """Take memory and give it back."""
        self.most = max(self.most, self.used + count)
