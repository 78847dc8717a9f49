"""LeRobot datasets written from a release: v3.0 with shared files, v2.1 with files of each episode's own."""
