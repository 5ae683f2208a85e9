"""`make bench-gate`: the gate and its usual alternatives, side by side, against a strict sliding-window vendor.

The way of a run: `__main__` → `rounds` (which runs, in what order) → `stage` (vendor, DynamoDB, processes) →
`workers` (what a process does) → `caller` (one call until it is accepted, and where its time went) over one of the
`contenders`. Then `measure` (from the vendor's log and the callers' records to figures) → `report`, `chart`.
"""
