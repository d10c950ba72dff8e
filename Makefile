# make train     train a small GPT on this computer: three minutes, no network
# make test      run the tests
# make fuzz      try 20,000 new command lines and files: ten minutes; SEED=... repeats what a run has tried
# make gpu       the report card of this machine: is it right, and how fast? In small where there is no GPU
# make bench     measure speeds, and print medians and ratios of runs in turn: ten minutes
# make scaling   fit a scaling law to 20 small runs, predict two larger ones, and run them: ten minutes
# make play      run play.ipynb and colab.ipynb from top to bottom: six minutes
# make kill      kill training and fineweb.py a hundred times, and compare what they end with: four minutes
# make site      build the lecture's web site in site/: seconds, no network once its packages are installed
# make replay    run every step of the history and compare what it prints with lectures/steps.toml
#
# Each makes an environment in .venv and installs requirements.txt into it (make site only requirements-site.txt);
# nothing is installed elsewhere.
# It is installed by uv if you have it, else by pip, which takes longer.
# PYTHON=/path/to/python chooses the Python (3.11 or newer) of that environment.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif
PIP := $(if $(shell command -v uv),uv pip install --python $(BIN)/python,$(BIN)/python -m pip install --disable-pip-version-check)

.PHONY: train test fuzz gpu kill play replay bench scaling site site-test

train: .venv/installed
	$(BIN)/python train_gpt2.py

test: .venv/installed
	$(BIN)/python -m pytest -q

fuzz: .venv/installed
	FUZZ=1 $(BIN)/python -m pytest -q -s tests/test_fuzz.py

play: .venv/installed
	NOTEBOOK=1 $(BIN)/python -m pytest -q tests/test_notebook.py

replay: .venv/installed
	$(BIN)/python lectures/steps.py replay

bench: .venv/installed
	$(BIN)/python bench.py

scaling: .venv/installed
	$(BIN)/python scaling.py

kill: .venv/installed
	$(BIN)/python tests/kill.py

site: .venv/site-installed
	$(BIN)/python lectures/book/build.py

site-test: .venv/installed .venv/site-installed
	SITE=1 $(BIN)/python -m pytest -q -rs tests/test_site.py tests/test_model_page.py

gpu: .venv/installed
	$(BIN)/python card.py

.venv/installed: requirements.txt
	$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('Python 3.11 or newer is needed: make PYTHON=...')"
	$(PYTHON) -m venv .venv
	@echo "installing requirements.txt into .venv: torch is large, this takes minutes"
	$(PIP) --quiet --requirement requirements.txt
	$(BIN)/python -c "open('.venv/installed', 'w').close()"

.venv/site-installed: requirements-site.txt
	$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('Python 3.11 or newer is needed: make PYTHON=...')"
	$(PYTHON) -m venv .venv
	$(PIP) --quiet --requirement requirements-site.txt
	$(BIN)/python -c "open('.venv/site-installed', 'w').close()"
