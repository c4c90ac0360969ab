"""Published programs of the irreps family, each built with random weights that ours can carry."""
