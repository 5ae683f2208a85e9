"""The synthesised template on an embedded AWS, with a simulated MoEngage as its vendor."""
