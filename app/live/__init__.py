"""The live channel: a browser asks with a view token and a rotation, the newest question is answered."""
