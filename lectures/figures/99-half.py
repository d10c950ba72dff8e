"""Draw 99-half.svg: milliseconds to average GPT-2's gradients on eight GPUs, by the speed of the link."""

from figure import Figure

LINKS = {"NVLink of an H100, 450 GB/s": 450, "PCIe 5, 64 GB/s": 64, "PCIe 4, 32 GB/s": 32}
LINKS |= {"100 Gbit/s, 12.5 GB/s": 12.5}


def main():
    picture = Figure(
        760, 300, "On NVLink averaging takes 2 ms; on slower links half of the bytes save 7 to 35 ms"
    )
    for number, (name, speed) in enumerate(LINKS.items()):
        y = 30 + 66 * number
        picture.text(20, y + 24, name, "ink", 14)
        for row, (dtype, megabytes, color) in enumerate(
            (("float32", 871, "orange"), ("bfloat16", 436, "blue"))
        ):
            milliseconds = megabytes / speed
            width = 5 * milliseconds
            picture.rect(240, y + 24 * row, width, 20, color, 0.7)
            picture.text(248 + width, y + 24 * row + 15, f"{milliseconds:.1f} ms  {dtype}", "muted", 13)
    picture.save(__file__)


if __name__ == "__main__":
    main()
