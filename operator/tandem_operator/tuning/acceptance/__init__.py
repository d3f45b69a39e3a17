"""How far drafts survive, and the user's minimum acceptance rate."""
