"""How far an answer lies from the truth: ulps, what they are measured against, and the digest of its bits."""
