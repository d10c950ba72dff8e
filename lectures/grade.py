"""Test what a learner wrote for an exercise."""

import importlib.util
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from history import UserError

EXERCISES = Path(__file__).resolve().with_name("exercises")
LIMIT = 20  # seconds for a test, which needs less than one


def grade(number: str, folder: Path = EXERCISES) -> int:
    """Run the tests of an exercise on the file in its folder, print what they find; return the exit code."""
    numbers = sorted(path.stem for path in folder.glob("[0-9][0-9].py"))
    if (number := number.zfill(2)) not in numbers:
        raise UserError(f"there is no exercise {number}; choose one of {', '.join(numbers) or 'none'}")
    path = folder / f"{number}.py"
    results = list(run_tests(path, folder / "tests" / path.name))
    print(f"{path.relative_to(folder.parent.parent)}")
    for title, problem in results:
        print(f"{'not yet' if problem else 'ok':8}{title}{f': {problem}' if problem else ''}")
    right = sum(not problem for _, problem in results)
    print(f"{right} of {len(results)} tests pass")
    if right < len(results):
        print(f"the tests are in {folder.name}/tests/{path.name}, a solution in {folder.name}/solutions")
    return 0 if right == len(results) else 1


def load(path: Path) -> ModuleType:
    """Import a file, whatever its name is."""
    spec = importlib.util.spec_from_file_location(f"exercise_{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise UserError(f"{path.name} needs {error.name}; activate the environment with it") from None
    except Exception as error:
        raise UserError(f"{path.name} cannot be imported: {describe(error, path)}") from None
    finally:
        sys.dont_write_bytecode = written
    return module


def run_tests(path: Path, tests: Path) -> Iterator[tuple[str, str]]:
    """Yield for each test what it is about, and what is wrong: "" if it passes."""
    answer = load(path)
    for name, test in vars(load(tests)).items():
        if name.startswith("test_"):
            yield test.__doc__.removesuffix("."), find_problem(test, answer, path)


def find_problem(test, answer: ModuleType, path: Path) -> str:
    """Return why a test fails, in one line; "" if it passes."""
    problems = [f"it takes longer than {LIMIT} seconds; does a loop never end?"]

    def try_it() -> None:
        try:
            test(answer)
            problems.append("")
        except NotImplementedError:
            problems.append("not written")
        except AssertionError as error:
            problems.append(" ".join(str(error).split()) or "it is not so")
        except Exception as error:
            problems.append(describe(error, path))

    thread = threading.Thread(target=try_it, daemon=True)  # ends with the program, at the latest
    thread.start()
    thread.join(LIMIT)
    return problems[-1]


def describe(error: Exception, path: Path) -> str:
    """Return an exception in one line, with the last line of the learner's file that it went through."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    lines += [error.lineno] if isinstance(error, SyntaxError) else []
    place = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{place}: {' '.join(str(error).split())}"[:300]
