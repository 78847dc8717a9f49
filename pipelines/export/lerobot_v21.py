"""`lerobot-v2.1`: one data file per episode, one video per episode and camera."""

from pipelines.export.lerobot.write import LeRobotExport

EXPORTER = LeRobotExport("v2.1")
