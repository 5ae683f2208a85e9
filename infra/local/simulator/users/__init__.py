"""The users that the simulated MoEngage holds."""
