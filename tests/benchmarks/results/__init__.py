"""How long a lookup's parts take to be collected, in how much memory, and what readers gain by it."""
