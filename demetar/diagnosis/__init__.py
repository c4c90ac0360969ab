"""Why Δ_EQ is what it is: evidence, its verdict in one word, and faults that show what each word means."""
