PYTHON ?= $(shell command -v python3.11 || command -v python3)
EMOSPHERE = HF_HUB_OFFLINE=1 .venv/bin/python -m emosphere

.PHONY: env run test lab lint

env: .venv/ready  ## the pinned environment in .venv

.venv/ready: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

run: env  ## embedded corpus, notebooks 01 to 07, trained models, tables and figures
	$(EMOSPHERE) run

test: env  ## all tests
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2

lab: env  ## JupyterLab in notebooks/
	.venv/bin/jupyter lab --notebook-dir=notebooks

lint: env
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
