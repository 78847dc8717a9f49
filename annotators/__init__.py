"""Who fills the layers: pure functions from a trajectory to annotations, one file each, by domain.

`robot.motion_segments` lives in `annotators/robot/motion_segments.py`: the name is the place.
"""
