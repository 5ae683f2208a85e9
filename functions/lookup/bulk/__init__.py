"""Lookups that nobody waits for: a roster or a queue message comes in, recorded parts and one completion event go out.

The order of work: submission, feeder, worker, processor, recording, completion. A part that is delivered
twice is counted once (`lookup.ledger.parts`). It never answers a request.
"""
