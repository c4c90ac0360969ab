"""A run as a folder: its configuration, its parameters, what it predicts, its errors, its card."""
