"""The lenses of the Molecule page that are more than a chart, a file each."""
