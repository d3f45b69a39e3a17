"""What several formats have alike: added tokens, alphabets, pieces, the steps of encoding."""
