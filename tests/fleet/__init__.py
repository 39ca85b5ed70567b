"""Three processes behind nginx without stickiness, on one PostgreSQL, to which everything happens: `scripts/fleet`."""
