"""Labelled sets made here: dynamics of a molecule under a calculator."""
