"""What a release is: its products and views, current rows, splits, published names, and the check of a finished folder."""
