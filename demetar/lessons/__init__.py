"""One file a lesson: what is computed when a rule is shown, kept and broken; no page.

Each has `numbers()`: rule -> (the largest error where it is kept, the smallest where it is broken).
Host numpy in float64.
"""
