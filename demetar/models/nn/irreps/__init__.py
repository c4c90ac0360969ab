"""Features by irrep: which of them couple, their products, and linen layers on them."""
