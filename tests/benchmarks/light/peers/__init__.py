"""What a user would write instead, as programs in an environment of their own (`requirements/bench.in`).

Each looks up a file of identifiers, a line each, and writes a line of JSON for each outcome. Four run at once, each
with a quarter of the identifiers, as four workers of a service would.
"""
