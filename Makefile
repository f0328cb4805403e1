# make demo   the whole loop on a sample project
# make test   lint, types, unit tests, and the stories with real parts
# make venv   only .venv with the command labelbridge in it

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Made anew only when what is to be installed changes.
INSTALLED := $(VENV)/.installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)

# Hundreds of small programs are started: without compiled files beside the sources each would compile them anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test venv parts lint unit stories bench clean

demo: venv parts
	$(BIN)/labelbridge demo $(ARGS)

test: venv parts
	-$(BIN)/python -m bridge.label_studio
	$(MAKE) --no-print-directory lint unit stories

venv: $(INSTALLED)

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "labelbridge needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@rm -f $(VENV)/.installed-*
	@touch $@

# darknet, a browser and a second Redis, from Debian; nothing is asked when they are there.
parts:
	@sh deploy/parts.sh

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit:
	$(BIN)/pytest -q -n 2 -m 'not story' --durations=5

stories:
	$(BIN)/pytest -q -m story --durations=0 --durations-min=0.5

bench: venv
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
