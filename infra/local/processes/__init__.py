"""Processes that end with the process that started them, and signals that end a run without raising in a library."""
