"""RoboInter-Data's annotations (https://github.com/InternRobotics/RoboInter): LeRobot columns, LMDB, pickles and sidecars."""
