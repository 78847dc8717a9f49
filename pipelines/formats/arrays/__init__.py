"""Episodes that are arrays by key (HDF5, Zarr, TFRecord): the field map, and what it makes of them."""
