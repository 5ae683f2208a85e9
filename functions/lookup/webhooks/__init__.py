"""Call partners back: one event of the bus, one signed POST to the address that the operator set for its partner.

Comes in: messages of the webhook queue, which EventBridge writes. Goes out: calls in the form of Standard Webhooks, and
the ledger's record of each. Never: an identifier, an attribute, an address inside a network, a redirect.
"""
