"""Statistics of columns of numbers, made shard by shard in one pass over the data and merged.

Count, least and greatest value are exact, mean and deviation exact to rounding, whatever the order of merging. Quantiles come
from a sketch that carries the bound of its own error. Releases and exports take theirs from here.
"""
