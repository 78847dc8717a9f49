"""The batch jobs: from recordings to a release.

plan → p | Create(keys) | ReadShards | Propose | Check | WriteShards → one Outcome per shard → manifest.
"""
