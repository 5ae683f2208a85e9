"""MoEngage's Get User API on the wire: identifiers come in, matched users or a typed error go out.

It never retries and knows no quota: see `fetch` and `gate`.
"""
