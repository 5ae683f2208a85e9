"""Who calls. In: the claims of a token; out: the partner, its grants, its rate limit. Never: what is requested."""
