"""RoboInter's annotations written from a release: what `pipelines.formats.robointer` reads, derived again from our layers."""
