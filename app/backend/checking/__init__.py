"""What the pages under Check ask: diagnoses, and stored audits."""
