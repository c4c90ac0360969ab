"""What the pages for teaching need: lectures from files, what their scenes will ask for, questions with answers."""
