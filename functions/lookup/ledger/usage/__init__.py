"""Counts of the quota: users a day of each partner, the minutes of a workspace. Never: who was looked up."""
