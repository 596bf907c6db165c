"""Trains the face detector and its refiner."""
