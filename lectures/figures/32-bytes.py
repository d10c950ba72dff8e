"""Draws 32-bytes.svg: one short text as bytes and as GPT-2's tokens, computed with tiktoken."""

import tiktoken
from figure import Figure

TEXT = "A café in Verona"
LEFT, CELL = 14, 41


def shown(data):
    """What a box shows of some bytes: text, with spaces visible."""
    return data.decode(errors="replace").replace(" ", "␣")


def draw():
    encoding = tiktoken.get_encoding("gpt2")
    data = TEXT.encode()
    pieces = [(token, encoding.decode_single_token_bytes(token)) for token in encoding.encode_ordinary(TEXT)]
    picture = Figure(
        725, 250, f"“{TEXT}” is {len(data)} tokens as bytes and {len(pieces)} in GPT-2's vocabulary"
    )

    picture.text(LEFT, 26, f"bytes: {len(data)} tokens", "blue", 16, bold=True)
    for index, byte in enumerate(data):
        x = LEFT + CELL * index
        picture.box(x, 62, CELL - 3, 40, str(byte), "blue", size=15)
    place = 0
    for letter in TEXT:
        width = CELL * len(letter.encode())
        picture.text(
            LEFT + place + (width - 3) / 2, 54, shown(letter.encode()), size=17, align="center", mono=True
        )
        place += width

    picture.text(LEFT, 148, f"gpt2: {len(pieces)} tokens", "orange", 16, bold=True)
    place = 0
    for token, piece in pieces:
        width = CELL * len(piece)
        x = LEFT + place
        picture.box(x, 184, width - 3, 40, str(token), "orange", size=15)
        picture.text(x + (width - 3) / 2, 176, shown(piece), size=17, align="center", mono=True)
        place += width
    return picture


if __name__ == "__main__":
    draw().save(__file__)
