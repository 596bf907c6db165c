"""Shared by the training of the liveness networks and of the face detector."""
