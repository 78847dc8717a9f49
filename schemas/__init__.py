"""What a row is: the tables, the annotation kinds, the layers, and the checks that guard them.

pyarrow only; imports nothing else of Cairn.
"""
