"""A dead receiver among ten: what it costs the others."""
