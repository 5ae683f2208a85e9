"""A seeded adversary with the rights of one partner, against two honest partners on the local stage."""
