"""An adapter that cannot even be imported, and not for want of a framework."""

raise RuntimeError("broken while it is imported")
