"""How long a call takes and how much memory it moves and holds."""
