"""Bytes in and out: source files, archives, media, video, Parquet, and the workspace's store."""
