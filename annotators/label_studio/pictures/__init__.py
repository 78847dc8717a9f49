"""What a person sees, as pictures: drawing only, from values to arrays, the same input to the same bytes.

A picture is height × width × 3, uint8, RGB, origin top left. Words are burnt in as plain text whatever they hold.
"""
