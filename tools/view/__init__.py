"""`cairn view`: one trajectory, or one ARC task, as one HTML page that needs nothing else.

A page is a shell (`page.py`, `assets/shell.js`: header, play, timeline, table of annotations, provenance) and the panel of a
domain: `arc.py`, `robot.py`, `gui.py` say what it shows, `assets/<domain>.js` shows it. A further domain adds such a pair.
"""
