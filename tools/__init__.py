"""What the noxfile runs that is no part of the package."""
