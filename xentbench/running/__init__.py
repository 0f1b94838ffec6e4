"""How commands have work done: in processes here, or on a cluster."""
