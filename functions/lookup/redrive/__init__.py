"""Dead letters sent back to their queues: by an operator's command, or page by page from the console."""
