"""What an answer to exercise 42 must do."""

import random


def make_tables(half, seed=1, rounds=4):
    draw = random.Random(seed)
    return [[draw.randrange(2**half) for _ in range(2**half)] for _ in range(rounds)]


def test_one_round(answer):
    """One round swaps the halves, and mixes the left one with what the right one looks up."""
    table = [3, 1, 0, 2]  # half = 2: position 0b0110 has left 1 and right 2
    found = answer.shuffled(0b0110, 16, [table])
    assert found == 0b1001, f"left 2 and right 1 ^ table[2] = 1 make 9, and it returns {found}"


def test_rounds(answer):
    """All tables are used, in their order."""
    first, second = [3, 1, 0, 2], [1, 2, 3, 0]
    found = answer.shuffled(0b0110, 16, [first, second])
    assert found == 0b0100, f"from left 2 and right 1, the second table makes left 1 and right 0, not {found}"


def test_permutation(answer):
    """Each number comes once, for every count that the tables can serve."""
    for count in (1, 2, 15, 16, 17, 50, 63, 64):
        found = sorted(answer.shuffled(position, count, make_tables(3)) for position in range(count))
        assert found == list(range(count)), f"of {count} positions some come twice, or are outside"


def test_again(answer):
    """What falls outside is permuted again, not cut off."""
    tables = make_tables(3)
    everywhere = {position: answer.shuffled(position, 64, tables) for position in range(64)}
    for position in range(40):
        expected = everywhere[position]
        while expected >= 40:
            expected = everywhere[expected]
        found = answer.shuffled(position, 40, tables)
        assert found == expected, f"of 40 positions, {position} goes to {found} instead of {expected}"


def test_order(answer):
    """Other tables are another order, and neighbours do not stay together."""
    orders = [[answer.shuffled(p, 1000, make_tables(5, seed)) for p in range(1000)] for seed in (1, 2)]
    assert orders[0] != orders[1], "both orders are the same"
    near = sum(abs(a - b) == 1 for a, b in zip(orders[0], orders[0][1:], strict=False))
    assert near < 20, f"{near} of 999 neighbours are neighbours still"


def test_memory(answer):
    """The tables stay as they are, and a call does not change the next."""
    tables = make_tables(4)
    before = [list(table) for table in tables]
    found = [answer.shuffled(9, 200, tables) for _ in range(3)]
    assert tables == before and len(set(found)) == 1, f"three equal calls return {found}"
