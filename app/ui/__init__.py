"""What the pages share on the screen."""
