"""Data sets, one file each: SOURCES, TARGETS, LICENCE, CITATION and read()."""
