# make test      run the tests
# make replay    run every step of the history and compare what it prints with lectures/steps.toml
#
# Each makes an environment in .venv and installs requirements.txt into it; nothing is installed elsewhere.
# PYTHON=/path/to/python chooses the Python (3.11 or newer) of that environment.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif

.PHONY: test replay

test: .venv/installed
	$(BIN)/python -m pytest -q

replay: .venv/installed
	$(BIN)/python lectures/steps.py replay

.venv/installed: requirements.txt
	$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('Python 3.11 or newer is needed: make PYTHON=...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -c "open('.venv/installed', 'w').close()"
