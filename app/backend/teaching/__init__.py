"""What the pages for teaching need: lectures from files, what scenes will ask for, questions."""
