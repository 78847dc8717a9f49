"""Zarr replay buffers: the store behind them, and the layouts that are known by name."""
