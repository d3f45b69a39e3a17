"""ControllerRevisions: the locked pairs, each with the pods that were rendered for it."""
