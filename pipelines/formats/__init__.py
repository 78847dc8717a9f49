"""What the files of a format hold: their lines, tables and clocks. Readers in `pipelines.sources` put it together."""
