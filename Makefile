# `make demo` and `make test` need Python 3.11 or newer, make and a package index; everything goes into .venv.

PYTHON ?= python3
# Install another build of PyTorch with e.g. `make TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu" demo`.
TORCH ?= torch==2.13.0
PYTEST ?=
# Processes that tests run in, one thread each.
WORKERS ?= 2
# The demo's run folder, and settings to override, e.g. `make demo DEMO_SET="--set train.steps=6" DEMO_RUN=runs/try`.
DEMO_RUN ?= runs/demo
DEMO_SET ?=

BIN := .venv/bin
INSTALLED := .venv/installed
# `--use-pep517`: older versions of pip build packages without wheels in a way that breaks with today's setuptools.
# `--no-compile`: of the thousands of modules that PyTorch and others hold, few are ever imported.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --no-compile

.DEFAULT_GOAL := help
.PHONY: help install demo test in-turn lint installed processors format docs pytest clean

help:
	@echo "make demo       tune a prompt on film reviews, use it, write a report (minutes)"
	@echo "make test       every check and test"
	@echo "make install    make .venv with Trimtab and the tools for working on it"
	@echo "make lint       style, types, import contract, dependencies, generated documentation"
	@echo "make installed  the wheel in empty environments, used as its users do"
	@echo "make processors a few tests of arithmetic, as older processors compute"
	@echo "make format     put code into the common style"
	@echo "make docs       write the generated parts of docs/"
	@echo "make clean      remove .venv and the demo's run"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Trimtab needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv
	@echo "Installing PyTorch (once; a few minutes)"
	@$(PIP) $(TORCH)
	@echo "Installing Trimtab and its tools (once; a few minutes)"
	@$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED)
	@if [ -f $(DEMO_RUN)/prompt.safetensors ] && [ ! -f $(DEMO_RUN)/checkpoint.safetensors ]; then \
		echo "1/3  $(DEMO_RUN) is tuned already: scoring it again on test sentences."; \
		$(BIN)/trimtab evaluate $(DEMO_RUN); \
	else \
		echo "1/3  Tuning a soft prompt to tell praise from blame in film reviews. The language model itself stays frozen."; \
		echo "     The first time, the model and the reviews are fetched (about 110 to 290 MB)."; \
		$(BIN)/trimtab tune examples/movie-reviews.yaml --out $(DEMO_RUN) --resume $(DEMO_SET); \
	fi
	@echo
	@echo "2/3  Three sentences it has never seen, and its answers:"
	@set -- "A warm, funny film with not a dull minute in it." \
		"Two hours of my life that nobody will give back to me." \
		"The cast does what it can, which is not much."; \
	for text in "$$@"; do echo "     $$text"; done; \
	$(BIN)/trimtab predict $(DEMO_RUN) -t "$$1" -t "$$2" -t "$$3"
	@echo
	@echo "3/3  The whole story, with its worst mistakes: open $(DEMO_RUN)/report.html in a browser."
	@echo "     The tuned prompt is $(DEMO_RUN)/prompt.safetensors ($$(wc -c < $(DEMO_RUN)/prompt.safetensors | tr -d ' ') bytes)."

# The wheel's installation waits for files much of the time: the rest is done meanwhile.
test: $(INSTALLED)
	@$(MAKE) --no-print-directory --jobs=2 installed in-turn

in-turn:
	@$(MAKE) --no-print-directory --jobs=1 lint processors pytest

lint: $(INSTALLED)
	@echo "Style";            $(BIN)/ruff check --quiet .
	@echo "Format";           $(BIN)/ruff format --quiet --check .
	@echo "Types";            $(BIN)/mypy --no-error-summary
	@echo "Import contract";  $(BIN)/lint-imports > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@echo "Dependencies";     $(BIN)/deptry src > .venv/deptry.log 2>&1 || { cat .venv/deptry.log; exit 1; }
	@echo "Generated docs";   $(BIN)/python docs/generate.py --check

installed: $(INSTALLED)
	@echo "Installed wheel"
	@$(BIN)/python tests/installed/run.py $(TORCH)

processors: $(INSTALLED)
	@echo "Older processors"
	@OMP_NUM_THREADS=1 $(BIN)/python tests/processors.py

pytest: $(INSTALLED)
	@echo "Tests"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --quiet -n $(WORKERS) --dist loadfile $(PYTEST)

format: $(INSTALLED)
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

docs: $(INSTALLED)
	@$(BIN)/python docs/generate.py

clean:
	rm -rf .venv $(DEMO_RUN)
