"""Rules that need the models' files: kinds, tables, lengths, weights, how they are cut."""
