"""AWS for every client: transient errors, complete batches, transactions, the lifecycle of a Lambda instance."""
