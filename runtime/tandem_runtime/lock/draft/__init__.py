"""Which kind of draft a repository holds, and which target it was made for."""
