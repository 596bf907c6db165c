"""Trains the face detector: see the README."""
