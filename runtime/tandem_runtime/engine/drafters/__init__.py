"""Where drafted tokens come from: one file a method, behind one interface."""
