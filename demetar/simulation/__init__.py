"""Bodies that move under force laws: no labels, no files."""
