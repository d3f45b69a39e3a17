"""What the loop measures for rollouts: how long it is off, what a draft or another K brings."""
