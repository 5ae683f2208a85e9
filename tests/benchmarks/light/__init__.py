"""What the pipeline itself takes beside the quota: starts, CPU, memory, growth, and peers on the same vendor."""
