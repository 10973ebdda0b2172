# coterie's commands. Nothing but Python 3.11 or later, make and a network is needed for the first two:
#
#   make first   sets up .venv and trains the meeting game: the shortest way to see what coterie does
#   make test    sets up .venv and runs the one check, the same that CI runs
#   make check   the one check, without touching .venv (make check VENV=/elsewhere uses another environment)
#   make format  lets ruff rewrite what it can
#   make lock    re-makes the hash-pinned lock files (needs uv)
#   make clean   removes .venv, .venv-smoke and every cache
#
# PYTHON=… names the interpreter that .venv is made with.

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV ?= $(firstword $(wildcard $(BIN)/uv) uv)
PYTEST_FLAGS ?= -n auto --maxprocesses 4

# The first interpreter that runs and is new enough; empty where there is none. Only looked for when it is needed.
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { command -v $$name; break; }; done)

.PHONY: first setup test check format lock clean
.DELETE_ON_ERROR:

first: setup
	$(BIN)/coterie train rendezvous

setup: $(STAMP)

# pip keeps what already fits, so a changed lock costs only the difference. 3.12's lock serves every later Python.
$(STAMP): pyproject.toml locks/python3.11.txt locks/python3.12.txt
	@python="$(PYTHON)"; test -n "$$python" && "$$python" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 || { \
	  echo "coterie needs Python 3.11 or later (with its venv module), and none was found$${python:+: $$python is not}; install one, or name it: make PYTHON=/path/to/python3.11 $(or $(MAKECMDGOALS),first)." >&2; exit 2; }; \
	$(BIN)/python -c '$(NEW_ENOUGH)' >/dev/null 2>&1 || { echo "Making $(VENV) with $$python …"; "$$python" -m venv $(VENV); }
	@lock=$$($(BIN)/python -c 'import sys; print("3.11" if sys.version_info < (3, 12) else "3.12")') && \
	echo "Installing what locks/python$$lock.txt pins, each file checked by its hash …" && \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r locks/python$$lock.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

test: setup
	@$(MAKE) --no-print-directory check

check:
	@test -x $(BIN)/pytest || { echo "$(VENV) has no development tools; 'make test' sets it up." >&2; exit 2; }
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/pytest $(PYTEST_FLAGS)

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

COMPILE = $(UV) pip compile pyproject.toml --extra dev --upgrade --quiet --generate-hashes --python-platform linux \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"
lock:
	$(COMPILE) --python-version 3.11 --output-file locks/python3.11.txt
	$(COMPILE) --python-version 3.12 --output-file locks/python3.12.txt

clean:
	rm -rf .venv .venv-smoke .pytest_cache .ruff_cache .hypothesis build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
