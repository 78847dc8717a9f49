"""Bags of messages (ROS 1, ROS 2, MCAP): the topic map, clocks, resampling to steps, cameras and transforms."""
