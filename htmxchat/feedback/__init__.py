"""What users think of answers: the data, and what a backend can do that keeps it."""

from .given import RATINGS, Feedback, Rating

__all__ = ["RATINGS", "Feedback", "Rating"]
