"""The deployed stack on the embedded AWS: synthesis, deployment, secrets, clients, logs."""
