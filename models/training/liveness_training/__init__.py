"""Trains the liveness networks of face-liveness: faces, prepare, train, calibrate, export, evaluate."""
