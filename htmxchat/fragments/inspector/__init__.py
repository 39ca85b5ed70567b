"""The inspector: a run's events, steps, timeline and state, the list of runs, and the report that can be kept."""
