"""What is seen at one glance: the quota, grants, and for operators all partners. Never: a single profile."""
