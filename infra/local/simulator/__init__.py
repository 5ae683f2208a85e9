"""A simulated MoEngage: its Get User call as a real HTTP server in a process of its own.

Everybody else uses `process.Simulator`. The way of a call: `server` (HTTP) → `vendor` (decides, counts) →
`request` (is it well formed?) → `faults` → `quota` → `journal` (what arrived) → `users`
(who exists, what they look like) → `answers` (bodies). `admin` changes and reads all of it from outside.
Nothing here is shared with the functions: what they promise is measured against this package's own count.
"""
