"""The service: one pipeline for every lookup, from HTTP, queues and schedules."""
