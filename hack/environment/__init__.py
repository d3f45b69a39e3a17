"""What engines need on this machine: environments made once for their content, and free ports."""
