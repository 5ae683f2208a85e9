"""The embedded AWS: MiniStack as a process, with the behaviours of AWS that it lacks and this service relies on."""
