"""What a stage may set, checked when it is made: workspaces, partners, concurrency."""
