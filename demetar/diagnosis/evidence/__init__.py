"""What is measured to tell causes apart, one file each: a few marks and the numbers behind them."""
