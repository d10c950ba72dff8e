"""errors.py: how a program ends, and what the user sees. The programs here are small, without torch."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from errors import Output, UserError, collect_error, is_out_of_memory, one_line

ROOT = Path(__file__).parent.parent
unix = pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix shell")


def program(body):
    """A command that runs a main() with this body under run_program."""
    lines = "\n    ".join(body.splitlines())
    return [sys.executable, "-c", f"from errors import *\ndef main():\n    {lines}\nrun_program(main)"]


def run(body, **environment):
    """Run a main() with this body; returns its exit code, stdout and stderr."""
    settings = dict(cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=30)
    done = subprocess.run(program(body), **settings)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "body, code, message",
    [
        ("print('fine')", 0, ""),
        ("raise UserError('--a 1 is wrong\\n--b 2 too')", 2, "error: --a 1 is wrong\nerror: --b 2 too\n"),
        ("raise KeyboardInterrupt", 130, "error: interrupted\n"),
        ("open('/no/such/file')", 2, "error: FileNotFoundError: [Errno 2] No such file or directory: "),
        ("raise MemoryError", 2, "error: out of memory: MemoryError: (a smaller model, "),
        ("raise RuntimeError('CUDA out of memory.')", 2, "error: out of memory: RuntimeError: CUDA"),
        ("import sys\nsys.exit(7)", 7, ""),
    ],
)
def test_every_end_has_its_exit_code_and_its_lines(body, code, message):
    found, _, err = run(body)
    assert found == code and err.startswith(message)
    assert len(err.splitlines()) == len(message.splitlines())


def test_a_bug_keeps_its_traceback():
    code, _, err = run("1 / 0")
    assert code == 1 and err.startswith("Traceback") and err.endswith("ZeroDivisionError: division by zero\n")


@unix
def test_a_reader_that_leaves_does_not_end_the_program(tmp_path):
    body = f"for n in range(50_000):\n    print(n)\nopen({str(tmp_path / 'done')!r}, 'w')"
    shell = ["sh", "-c", '"$@" | head -1', "sh", *program(body)]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("0\n", "") and (tmp_path / "done").exists()


@unix
@pytest.mark.parametrize(
    "redirection, code, message",
    [
        (">&-", 0, ""),  # closed
        ("2>&-", 0, ""),
        pytest.param(
            ">/dev/full",
            2,
            "error: cannot write the output: [Errno 28] No space left on device\n",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full"),
        ),
    ],
)
def test_an_output_that_cannot_be_written_ends_with_at_most_one_line(redirection, code, message):
    command = program("print('a line')\nwarn('a warning')")
    shell = ["sh", "-c", f'"$@" {redirection}', "sh", *command]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code and done.stderr.replace("warning: a warning\n", "") == message


@unix
def test_a_help_that_cannot_be_written_ends_with_code_2():
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = program("from argparse import ArgumentParser\nArgumentParser().parse_args(['--help'])")
    shell = ["sh", "-c", '"$@" >/dev/full', "sh", *command]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: cannot write the output: [Errno 28]")


def test_every_program_ends_in_the_same_frame():
    programs = [path for path in ROOT.glob("*.py") if '__name__ == "__main__"' in path.read_text("utf-8")]
    assert len(programs) >= 6
    for path in programs:
        assert path.read_text("utf-8").splitlines()[-1].startswith("    run_program(main"), path


@unix
def test_after_a_failure_the_output_goes_to_the_null_device():
    """Also that of the processes that it starts."""
    read, write = os.pipe()
    os.close(read)
    output = Output(os.fdopen(write, "w"))
    output.write("a line\n")
    assert isinstance(output.error, BrokenPipeError)
    assert os.fstat(write).st_rdev == os.stat(os.devnull).st_rdev


def test_what_the_terminal_cannot_show_is_escaped():
    code, out, err = run("print('☃')\nraise UserError('a folder: 東京')", PYTHONIOENCODING="ascii")
    assert (code, out, err) == (2, "\\u2603\n", "error: a folder: \\u6771\\u4eac\n")


def test_only_rank_0_prints_and_warns():
    code, out, err = run("print('a line')\nwarn('a warning')", RANK="1")
    assert (code, out, err) == (0, "", "")


def test_an_error_of_another_rank_is_printed_if_rank_0_does_not_end_first():
    begin = time.monotonic()
    assert run("raise UserError('mine')", RANK="1", WORLD_SIZE="2") == (2, "", "error: mine\n")
    assert time.monotonic() - begin > 2.5


@pytest.mark.parametrize(
    "reason", ["[gloo/pair.cc:553] Connection closed by peer", "Timed out waiting 8000ms"]
)
def test_a_rank_that_loses_another_one_says_so_in_one_line(reason):
    lost = (2, "", "error: another rank has ended, or does not answer\n")
    assert run(f"raise RuntimeError({reason!r})", WORLD_SIZE="2") == lost
    assert "Traceback" in run(f"raise RuntimeError({reason!r})")[2]


def test_problems_are_collected_and_bugs_are_not():
    def fail(kind):
        raise kind("why")

    problems = []
    assert collect_error(problems, int, "7") == 7
    assert collect_error(problems, fail, UserError) is collect_error(problems, fail, OSError) is None
    assert problems == ["why", "OSError: why"]
    with pytest.raises(ZeroDivisionError):
        collect_error(problems, fail, ZeroDivisionError)


def test_an_exception_becomes_one_line():
    assert (
        one_line(ValueError("\x1b[31ma\n\n b\x1b[0m")) == "ValueError: a b"
        and one_line("word " * 99, 22) == "str: word word word ..."
    )
    assert is_out_of_memory(MemoryError()) and not is_out_of_memory(ValueError("a shape"))


@pytest.mark.parametrize(
    "text",
    ["CUDA out of memory. Tried to allocate 2 GiB", "Invalid buffer size: 12.00 GiB"]
    + ["CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"]
    + ["backend='inductor' raised:\nMemoryError: ", "DefaultCPUAllocator: can't allocate memory"],
)
def test_what_libraries_say_about_memory_is_understood(text):
    assert is_out_of_memory(RuntimeError(text))
