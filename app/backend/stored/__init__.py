"""The stored results of experiments, as plain values."""
