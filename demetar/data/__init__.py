"""Files in, labelled systems and padded batches out."""
