"""The scripts room: its cards and the result of each script."""
