"""The scripts room: its cards and what came of each script."""
