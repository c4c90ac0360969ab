"""What the Molecule and the N-body page have in common around their square."""
