"""HDF5 files of episodes: opened so that nothing outside the file is read, and the layouts that are known by name."""
