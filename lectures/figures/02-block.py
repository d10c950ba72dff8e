"""Draws 02-block.svg with architecture.py."""

from architecture import draw

if __name__ == "__main__":
    draw(2).save(__file__)
