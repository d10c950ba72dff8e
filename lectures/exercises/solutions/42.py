"""Exercise 42, solved."""


def shuffled(position: int, count: int, tables: list[list[int]]) -> int:
    half = len(tables[0]).bit_length() - 1
    while True:
        left, right = position >> half, position & (2**half - 1)
        for table in tables:
            left, right = right, left ^ table[right]
        position = left << half | right
        if position < count:
            return position
