"""Videos frame by frame: what their clocks and key frames say, clips cut out of them, and a look at some of the pictures."""
