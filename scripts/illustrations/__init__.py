"""The pictures of the documentation: a host to draw, and what is done in it."""
