"""Trains the liveness networks of face-liveness."""
