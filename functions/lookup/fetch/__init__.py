"""Fetch users: identifiers come in, one outcome for each goes out, from the store or from MoEngage.

Every call to MoEngage is made here, with a grant of the gate. Callers record the outcomes.
"""
