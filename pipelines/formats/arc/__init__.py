"""ARC traces."""
