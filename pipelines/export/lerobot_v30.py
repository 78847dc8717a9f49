"""`lerobot-v3.0`: many episodes per data file and per video file."""

from pipelines.export.lerobot.write import LeRobotExport

EXPORTER = LeRobotExport("v3.0")
