"""`robointer-v2.1`: LeRobot v2.1 with RoboInter's columns of annotations."""

from pipelines.export.robointer.write import RoboInterExport

EXPORTER = RoboInterExport()
