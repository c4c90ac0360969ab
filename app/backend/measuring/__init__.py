"""What is measured of a molecule's square: at one g, along an axis, over all rotations, under the hand."""
