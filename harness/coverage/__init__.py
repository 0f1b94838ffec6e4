"""Which public functions of a framework are asked, which do what an asked one does, and why the others are not."""
