"""From what is known to the tables in force."""
