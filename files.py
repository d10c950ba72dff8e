"""Files that are whole or not there, JSON with a schema, and folders that belong to one process."""

import codecs
import contextlib
import errno
import functools
import json
import math
import os
import shutil
import stat
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from errors import UserError, one_line, warn


def sync_folder(folder):
    """Wait until the names in a folder are on the disk; a rename is not safe before."""
    if os.name != "nt":  # Windows cannot open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def whole_file(path):
    """Open a binary file that gets its name when it is complete and on the disk. Raises UserError."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)  # of a killed process, or a link or a FIFO
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error} (make room, and run the command again)") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_json(path, value):
    """Write a value as JSON: whole, or not at all. Raises UserError."""
    with whole_file(path) as file:
        file.write(json.dumps(value, indent=2).encode())


def regular_file(path):
    """Return the path of a file. Raises OSError or ValueError for anything else: a FIFO waits forever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f"{path.name} is not a file")
    return path


adapter = functools.cache(TypeAdapter)  # it takes longer to make than to use


def parse_json(text, schema):
    """Parse JSON (bytes or text) into a dataclass, or another type, without casts. Raises ValueError."""
    return checked(functools.partial(adapter(schema).validate_json, strict=True), text)


def parse_values(values, schema):
    """Turn plain Python values into a dataclass, or another type. Raises ValueError."""
    return checked(adapter(schema).validate_python, values)


def checked(validate, value):
    """Return validate(value); of a ValidationError raise only the first problem, in a few words."""
    try:
        return validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{f'{place}: ' if place else ''}{first['msg']}") from None


def read_json_lines(path, schema, start=0, end=math.inf):
    """Yield the lines of a JSON file as dataclasses, or the items of its list, if it begins with a [.

    Only lines that begin at bytes from `start` to before `end`; a list begins at 0. A byte order mark is
    dropped, and empty lines are skipped. Raises OSError or ValueError.
    """
    with regular_file(path).open("rb") as file:
        first = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
        file.seek(first)
        if file.read(1) == b"[":
            file.seek(first)
            yield from parse_json(file.read(), list[schema]) if start == 0 else ()
            return
        file.seek(first)
        if start > first:
            file.seek(start - 1)
            file.readline()  # it began before
        while (place := file.tell()) < end and (line := file.readline()):
            try:
                if line.strip():
                    yield parse_json(line, schema)
            except ValueError as error:
                file.seek(0)
                number = 1 + file.read(place).count(b"\n")
                raise ValueError(f"line {number}: {error}") from None


def read_json(path, schema, fix):
    """Read a JSON file into a dataclass, or another type. The UserError names file, field and fix."""
    try:
        return parse_json(regular_file(path).read_bytes(), schema)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {one_line(error)} ({fix})") from error


def remove_folder(path):
    """Delete a folder that this program made. A link or a file in its place is left alone."""
    if path.is_dir() and not path.is_symlink():  # rmtree opens whatever it is, and waits for a FIFO
        shutil.rmtree(path, ignore_errors=True)


def name_some(names, limit=8):
    """Return names as text, "none" if there are none; those after the first `limit` are only counted."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more or "none"


def refuse_missing_folder(name):
    """Raise UserError if `name` is a folder that is not there, and not the name GPT or WHO/GPT on the hub."""
    path, text = Path(name), str(name)
    below = "/" in text and os.path.isdir(path.parent)
    if os.path.isdir(name) or not (below or path.is_absolute() or text[:1] == "." or text.count("/") > 1):
        return
    nearest, there = next(parent for parent in path.parents if os.path.isdir(parent)), []
    with contextlib.suppress(OSError):  # it may not be read
        there = sorted(each.name for each in os.scandir(nearest) if each.is_dir() and each.name[0] != ".")
    raise UserError(f"no such folder: {name} (in {nearest}: {name_some(there)})")


def why_no_folder(folder, error):
    """Return why a folder cannot be written, given an OSError, and what to do about it."""
    for path in (Path(folder), *Path(folder).parents):
        if os.path.islink(path) and not os.path.exists(path):  # unlike Path's they raise nothing
            return f"{path} is a link to nothing (delete it, or choose another --out)"
        if os.path.isfile(path):
            return f"{path} is a file, not a folder (choose another --out)"
    return f"{error} (choose another --out)"


@contextlib.contextmanager
def lock_folder(folder):
    """Reserve a folder for this process, and make it if needed. The lock ends with the process at the latest.

    Raises UserError if another process has the folder, or if it cannot be written.
    """
    path = Path(folder) / ".lock"
    owner = path.with_name(".lock-owner")  # Windows refuses to write to a file that is locked
    # A soft lock would outlive a killed process. This process may lock the folder again.
    lock = FileLock(path, fallback_to_soft=False, is_singleton=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
        owner.unlink(missing_ok=True)  # it may be a FIFO, or a link
        owner.write_text(f"process {os.getpid()}", encoding="utf-8")
    except Timeout:
        name = "another process"
        with contextlib.suppress(OSError, ValueError):
            name = regular_file(owner).read_text(encoding="utf-8")[:50] or name
        raise UserError(f"{folder} is in use by {name} (wait for it, or choose another --out)") from None
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK):
            raise UserError(f"cannot write to {folder}: {why_no_folder(folder, error)}") from error
        warn(f"the file system of {folder} has no locks: do not start two programs on it")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()
