"""The picture of GPT-2 that grows over the pages 01, 02 and 03; what a step adds is orange.

It is a module for 01-two-ends.py, 02-block.py and 03-gpt2.py. The shapes are those of the page's programs.
"""

from figure import Figure

LEFT, WIDE = 24, 250  # the column of modules
MIDDLE = LEFT + WIDE / 2


def draw_stack(picture, step):
    """Draw the way from ids to logits, top to bottom, with the shapes beside it."""
    new = "orange" if step == 1 else "blue"
    picture.text(MIDDLE, 38, "ids", size=17, align="center", bold=True)
    shape(picture, 38, "(B, T)")
    half = WIDE / 2 - 10
    for x, name, note in ((LEFT, "wte", "row number id"), (LEFT + half + 20, "wpe", "row number t")):
        picture.arrow(MIDDLE, 46, x + half / 2, 76)
        picture.box(x, 76, half, 54, name, new, note, size=16)
        picture.line([(x + half / 2, 130), (x + half / 2, 154), (MIDDLE, 154)], "muted")
    plus(picture, MIDDLE, 154, new)
    picture.arrow(MIDDLE, 166, MIDDLE, 196)
    shape(picture, 186, "(B, T, 768)")
    if step == 1:
        picture.rect(LEFT, 196, WIDE, 70, "panel", radius=6)
        frame = [(LEFT, 196), (LEFT + WIDE, 196), (LEFT + WIDE, 266), (LEFT, 266), (LEFT, 196)]
        picture.line(frame, "muted", 1.2, dash="5 4")
        picture.text(MIDDLE, 227, "nothing yet", "muted", 16, "center")
        picture.text(MIDDLE, 249, "(steps 02 and 03)", "muted", 14, "center")
    else:
        for back in (16, 8, 0):  # a pile of blocks, the first one in front
            picture.rect(LEFT + back, 196 + back, WIDE - 16, 54, "paper", radius=6)
            picture.box(LEFT + back, 196 + back, WIDE - 16, 54, "", "orange" if step == 2 else "blue")
        picture.text(MIDDLE - 8, 229, "12 blocks", size=16, align="center")
    picture.arrow(MIDDLE, 266, MIDDLE, 302)
    shape(picture, 290, "(B, T, 768)")
    picture.box(LEFT, 302, WIDE, 44, "ln_f: final norm", new, size=16)
    picture.arrow(MIDDLE, 346, MIDDLE, 374)
    picture.box(LEFT, 374, WIDE, 44, "lm_head: 768 to 50,257", new, size=16)
    picture.arrow(MIDDLE, 418, MIDDLE, 450)
    picture.text(MIDDLE, 470, "logits", size=17, align="center", bold=True)
    shape(picture, 470, "(B, T, 50257)")


def shape(picture, y, words):
    """The shape of what flows at this height."""
    picture.text(LEFT + WIDE + 16, y, words, "green", 15, mono=True)


def plus(picture, x, y, color):
    """A circle with a plus: two vectors are added."""
    picture.circle(x, y, 12, "paper")
    picture.circle(x, y, 12, color, 0.3)
    picture.line([(x - 6, y), (x + 6, y)], "ink", 1.8)
    picture.line([(x, y - 6), (x, y + 6)], "ink", 1.8)


def draw_branch(picture, x, y, parts, color):
    """Draw a branch that reads the stream at height y and adds to it further down; returns that height."""
    wide, high, gap = 190, 38, 16
    right = x + 44
    picture.arrow(x, y, right, y, "muted")
    for number, words in enumerate(parts):
        top = y - high / 2 + number * (high + gap)
        if number:
            picture.arrow(right + wide / 2, top - gap, right + wide / 2, top)
        picture.box(right, top, wide, high, words, color, size=15)
    end = y + (len(parts) - 1) * (high + gap)
    picture.arrow(right, end, x + 12, end, "muted")
    plus(picture, x, end, color)
    return end


def draw(step):
    """The picture of a step: 1, 2 or 3."""
    titles = {
        1: "Step 01: ids pick rows of wte and wpe, their sum goes through a norm and the output head",
        2: "Step 02: twelve blocks, each adding the result of its MLP to the residual stream",
        3: "Step 03: GPT-2, twelve blocks in which attention and an MLP add to the residual stream",
    }
    picture = Figure(640 if step == 1 else 740, 508, titles[step])
    draw_stack(picture, step)
    if step == 1:
        for y, words, mono in (
            (38, "15496 11 314 1101 257 3303 2746 11", True),
            (186, "here 8 vectors of 768 numbers", False),
            (470, "here 8 rows of 50,257 scores", False),
        ):
            picture.text(LEFT + WIDE + 16, y + 22, words, "muted", 15, mono=mono)
        return picture
    x, panel = 482, 440
    picture.rect(panel, 20, 284, 462, "panel", radius=8)
    picture.text(panel + 16, 48, "one block", size=16, bold=True)
    picture.line([(LEFT + WIDE, 231), (panel, 231)], "muted", 1.2, dash="4 4")
    picture.line([(x, 64), (x, 444)], "blue", 5)
    picture.add("path", d=f"M{x - 9} 444L{x + 9} 444L{x} 462Z", class_="f-blue")
    picture.text(x - 18, 252, "residual stream", "blue", 14, "center", turn=-90)
    mlp = ["ln_2: norm", "c_fc: 768 to 3072", "GELU", "c_proj: 3072 to 768"]
    if step == 2:
        draw_branch(picture, x, 150, mlp, "orange")
    else:
        end = draw_branch(picture, x, 100, ["ln_1: norm", "attention"], "orange")
        draw_branch(picture, x, end + 70, mlp, "blue")
    return picture
