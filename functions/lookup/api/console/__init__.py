"""The console: web pages over this API, and how people sign in to them."""
