"""From an input to a locked revision: the Job, its request, its report, a namespace's cache."""
