"""Exercise 42: shuffle by arithmetic. It goes with lectures/42-shuffle.md.

Write the body, then run

    python lectures/steps.py grade 42

"""


def shuffled(position: int, count: int, tables: list[list[int]]) -> int:
    """Return where a position of 0 .. count - 1 goes in a random order: another number of 0 .. count - 1.

    Each of the tables holds 2**half random numbers below 2**half, and 2**(2 * half) >= count. A Feistel
    network permutes the numbers below 2**(2 * half): split the number into its left and right `half` bits,
    and for each table, in order, let the right half become the left one, and the left half XOR table[right]
    the right one. If what comes out is not below count, permute it again, until it is.
    """
    raise NotImplementedError
