"""Work with the steps of this lecture, which are commits. Needs Python 3.11 and git; `grade`
also needs the environment of train_gpt2.py.

    python lectures/steps.py list                     the steps: title, commit, size, time in the video
    python lectures/steps.py worktree 07 ../at-step   put the code of a step, with the fixes of its errata,
                                                      into a folder of its own (--no-fixes: as it landed)
    python lectures/steps.py grade 03                 test what you wrote in lectures/exercises/03.py
    python lectures/steps.py check                    does every commit keep the rules of this history?
    python lectures/steps.py replay 07 10-12          run these steps and compare the numbers they print
    python lectures/steps.py replay --tests           run every step, and the tests of each step
    python lectures/steps.py guards 28 30-31          run the tests that guard the errata of these steps
    python lectures/steps.py index                    write the tables of steps and the top of each page
    python lectures/steps.py index --check            are they up to date?

The commands that `replay` runs and the numbers it expects are in lectures/steps.toml. Exit code: 0 if all is
well, 1 if a rule is broken, a step or an exercise fails, 2 for an error: bad arguments, no history.
"""

import argparse
import sys

from check import check
from errata import guards
from grade import grade
from history import UserError, by_number, print_table, read_history
from index import index
from replay import replay
from worktree import worktree


def list_steps(revision: str | None) -> int:
    """Print the table of steps; return the exit code."""
    rows = []
    for number, step in by_number(read_history(revision)).items():
        added, removed = step.changes.get("train_gpt2.py", (0, 0))
        same = f"same as {step.same_as:02d}" if step.same_as else ""
        size = [f"+{added}", f"-{removed}"]
        rows.append([f"{number:02d}", step.title, step.hash[:7], *size, step.trailers.get("Video", ""), same])
    print_table(rows)
    return 0


class Parser(argparse.ArgumentParser):
    """Report bad arguments like any other error."""

    def error(self, message: str) -> None:
        raise UserError(f"{message}; {self.prog} --help shows the arguments")


def main() -> int:
    """Run the command that the command line names; return the exit code."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="list|worktree|grade|check|replay|guards|index"
    )
    functions = {"list": list_steps, "worktree": worktree, "grade": grade}
    functions |= {"check": check, "replay": replay, "guards": guards, "index": index}
    add = {name: commands.add_parser(name).add_argument for name in functions}
    add["list"]("revision", nargs="?", metavar="REV")
    add["check"]("revision", nargs="?", metavar="REV")
    add["worktree"]("number", metavar="NN")
    add["worktree"]("folder", metavar="FOLDER")
    add["worktree"]("--no-fixes", action="store_true", help="the step as it landed, with its errors")
    add["guards"]("words", nargs="*", metavar="NN|NN-MM")
    add["grade"]("number", metavar="NN")
    add["replay"]("words", nargs="*", metavar="NN|NN-MM")
    add["replay"]("--tests", action="store_true", help="also run the tests of each step")
    add["replay"]("--rev", dest="revision", metavar="REV")
    add["index"](
        "--check", dest="check_only", action="store_true", help="write nothing; exit code 1 if stale"
    )
    arguments = vars(parser.parse_args())
    return functions[arguments.pop("command")](**arguments)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a Windows console may lack a character of a title
    try:
        sys.exit(main())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
