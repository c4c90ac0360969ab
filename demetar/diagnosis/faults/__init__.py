"""Faults of symmetry that can be switched on in a small model, one file each with its real report."""
