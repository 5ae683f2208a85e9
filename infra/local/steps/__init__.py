"""The steps of the main job that `make run` shows, one module for each way in."""
