"""A command line made of the fields of a dataclass; all problems with it are reported at once."""

import difflib
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import field, fields


def knob(default, meaning, least=None, below=None, among=None):
    """A field with its default, its meaning for --help, and its limits."""
    limits = {"least": least, "below": below, "among": among}
    return field(default=default, metadata={"help": meaning, **limits})


def read_flags(knobs, description, arguments=None):
    """Read a command line into {field: value} and a list of problems; None means this process's arguments.

    Flags are the fields of the dataclass. They have no short forms, and a bare --flag means true.
    """
    parser = ArgumentParser(
        description=description, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    types = {f.name: f.type for f in fields(knobs)}
    for f in fields(knobs):
        among = f", one of {', '.join(f.metadata['among'])}" if f.metadata["among"] else ""
        meaning = f"{f.metadata['help']}{among} (default: {f.default})"
        bare = "true" if f.type is bool else None
        more = dict(nargs="?", const=bare, default=SUPPRESS, metavar=f.type.__name__)
        parser.add_argument(f"--{f.name}", help=meaning, **more)
    words, unknown = parser.parse_known_args(arguments)
    given, problems = {}, []
    for before, word in zip(["", *unknown], unknown, strict=False):
        similar = difflib.get_close_matches(word, [f"--{name}" for name in types], n=1)
        if word.startswith("-") or not before.startswith("-"):  # not the value of an unknown flag
            hint = f"did you mean {similar[0]}?" if similar else "see --help"
            problems.append(f"{word} is unknown ({hint})")
    kinds = {int: "a whole number", float: "a number", bool: "true or false"}
    for name, word in vars(words).items():
        kind = types[name]
        if word is None:
            problems.append(f"--{name} needs a value")
            continue
        try:
            given[name] = {"true": True, "false": False}[word] if kind is bool else kind(word)
        except (ValueError, KeyError):
            problems.append(f"--{name} {word} is not {kinds[kind]}")
    return given, problems


def find_invalid(config):
    """List the fields of a dataclass whose values are outside their limits."""
    problems = []
    for f in fields(config):
        value, among = getattr(config, f.name), f.metadata["among"]
        least, below = f.metadata["least"], f.metadata["below"]
        if least is not None and not value >= least:
            problems.append(f"--{f.name} {value} is below the minimum of {least}")
        elif below is not None and not value < below:
            problems.append(f"--{f.name} {value} is not below {below}")
        if among and value not in among:
            problems.append(f"--{f.name} {value} is not one of {', '.join(among)}")
    return problems
