"""Draws 01-two-ends.svg with architecture.py."""

from architecture import draw

if __name__ == "__main__":
    draw(1).save(__file__)
