"""Alarms, dashboard and the estimate of what an hour costs, made of the metrics that the functions publish."""
