"""The three jobs: ingest, propose, release. Each plans keys, reads a shard, works on it, checks it, writes it."""
