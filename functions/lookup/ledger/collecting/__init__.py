"""What the ledger knows of collected files: claims, progress, hours, exports. Never: records."""
