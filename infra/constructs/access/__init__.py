"""Who may call the API, and the secrets with which MoEngage is called."""
