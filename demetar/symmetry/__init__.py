"""Group elements, how graphs, values and features turn under them, and the equivariance error Δ_EQ."""
