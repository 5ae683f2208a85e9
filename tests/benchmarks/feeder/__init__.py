"""The feeder under load: how rosters are accepted, what feeding them costs, and how lookups share one quota."""
