"""What travels through the library, and the ground it stands on: graphs, outputs, padding, edges, disk."""
