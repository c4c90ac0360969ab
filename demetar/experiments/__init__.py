"""Ready experiments: several runs and one question. Each writes one small JSON file."""
