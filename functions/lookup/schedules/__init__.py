"""Serve EventBridge Scheduler: firings become lookups, and once a minute what was left undone is recovered.

It also keeps the schedules that partners own. It never feeds a roster by itself: that is the work of `bulk`.
"""
