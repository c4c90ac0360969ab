"""What `benchmarks/gpu.py` does on a visit to a GPU, one file a part."""
