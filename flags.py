"""A command line made of the fields of a dataclass. All that is wrong with it is told at once."""

import difflib
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import field, fields

from fineweb import UserError


def knob(default, meaning, least=None, below=None, among=None):
    """A field with its default, its meaning for --help, and which values make sense."""
    limits = {"least": least, "below": below, "among": among}
    return field(default=default, metadata={"help": meaning, **limits})


def read_flags(knobs, description, arguments=None):
    """The values that a command line (a list of words) gives to the fields of a dataclass, and its problems.

    Returns a dictionary and a list of lines. Flags have no short forms; a bare --flag means true.
    """
    parser = ArgumentParser(
        description=description, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    types = {f.name: f.type for f in fields(knobs)}
    for f in fields(knobs):
        among = f", of {', '.join(f.metadata['among'])}" if f.metadata["among"] else ""
        meaning = f"{f.metadata['help']}{among} (default: {f.default})"
        bare = "true" if f.type is bool else None
        more = dict(nargs="?", const=bare, default=SUPPRESS, metavar=f.type.__name__)
        parser.add_argument(f"--{f.name}", help=meaning, **more)
    words, unknown = parser.parse_known_args(arguments)
    given, problems = {}, []
    for before, word in zip(["", *unknown], unknown, strict=False):
        similar = difflib.get_close_matches(word, [f"--{name}" for name in types], n=1)
        if word.startswith("-") or not before.startswith("-"):  # not the value of an unknown flag
            problems.append(f"{word} is unknown ({f'is it {similar[0]}?' if similar else 'see --help'})")
    kinds = {int: "a whole number", float: "a number", bool: "true or false"}
    for name, word in vars(words).items():
        kind = types[name]
        if word is None:
            problems.append(f"--{name} wants a value")
            continue
        try:
            given[name] = {"true": True, "false": False}[word] if kind is bool else kind(word)
        except (ValueError, KeyError):
            problems.append(f"--{name} {word} is not {kinds[kind]}")
    return given, problems


def attempt(problems, function, *arguments):
    """What function(*arguments) returns; None if it raises UserError, which becomes one of the problems."""
    try:
        return function(*arguments)
    except UserError as error:
        problems.append(str(error))


def find_senseless(config):
    """The values of a dataclass's fields that make no sense: a line each."""
    problems = []
    for f in fields(config):
        value, among = getattr(config, f.name), f.metadata["among"]
        least, below = f.metadata["least"], f.metadata["below"]
        if least is not None and not value >= least:
            problems.append(f"--{f.name} must be at least {least}, not {value}")
        elif below is not None and not value < below:
            problems.append(f"--{f.name} must be less than {below}, not {value}")
        if among and value not in among:
            problems.append(f"--{f.name} {value} is unknown ({', '.join(among)})")
    return problems
