"""What lenses ask beyond Δ_EQ: the types of outputs, what a broken symmetry costs, what averaging leaves."""
