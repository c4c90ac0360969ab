"""What an audit looks at, a file a kind of evidence; each gives findings and decides nothing."""
