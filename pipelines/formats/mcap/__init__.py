"""MCAP files: their records, checksums and message encodings."""
