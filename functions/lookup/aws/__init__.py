"""AWS as every client needs it: transient errors, complete batches, transactions, the life of a Lambda instance."""
