"""What people run: the `cairn` command, recorders, viewers, benchmarks."""
