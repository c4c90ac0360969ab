"""Figures of the page Results, one file a part."""
