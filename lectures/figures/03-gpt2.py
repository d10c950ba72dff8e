"""Draws 03-gpt2.svg with architecture.py."""

from architecture import draw

if __name__ == "__main__":
    draw(3).save(__file__)
