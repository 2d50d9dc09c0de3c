# Two commands matter: `make run` and `make test`. `make help` lists the others.
# Everything runs in .venv, which is made from requirements.lock when it is missing or out of date.

export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

# SEED=… repeats the random cases of an earlier run.
SEED ?= $(shell od -An -N3 -tu4 /dev/urandom | tr -d ' ')
# How many power cuts `make powercut` makes.
N ?= 200
UV := uv==0.13.9

.PHONY: help run demo test test-camera proof powercut screenshots bench fuzz mutants lock install uninstall speech format clean setup setup-test
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## play a scripted incident to its end: warning, recording, import, verdict, MP4
	@bodycam-sim scenario sim/scenarios/escalation.toml --out out/escalation

test: setup-test ## everything that is checked, with a time per part
	@python tools/timed.py \
	    'lint: ruff check' \
	    'format: ruff format --check' \
	    'types: mypy' \
	    'imports: lint-imports' \
	    'tests: pytest -n auto --cov --cov-report= --hypothesis-seed=$(SEED)' \
	    'rules covered: coverage report --include=*/bodycam/rules/* --fail-under=98' \
	    'media covered: coverage report --include=*/bodycam/media/* --fail-under=98' \
	    'evidence covered: coverage report --include=*/bodycam/evidence/* --fail-under=98' \
	    'messages covered: coverage report --include=*/bodycam/messages/* --fail-under=98' \
	    'rest covered: coverage report --omit=*/bodycam/rules/*,*/bodycam/media/*,*/bodycam/evidence/*,*/bodycam/messages/*'

test-camera: setup-test ## the whole recorder on the real libcamera, in a chroot of Debian testing (as root)
	@tools/camera_chroot/build.sh build/camera-chroot
	@python tools/test_camera.py build/camera-chroot

proof: setup-test ## what takes too long for every change
	@python tools/timed.py 'proof: pytest -m proof -o faulthandler_timeout=900 --hypothesis-seed=$(SEED)'

powercut: setup-test ## pull the plug N times under the real recorder on real ext4; SEED=… as before
	@python -m tools.powercut --cuts $(N) --seed $(SEED) $(if $(BROKEN),--broken $(BROKEN))

screenshots: setup-test ## make the pictures of the board in docs/screenshots anew
	@python -m tools.screenshots

bench: setup-test ## measure speed and memory against the marks; ROUNDS=2 is short, ONLY=bc a part
	@python -m tools.bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ONLY),--only $(ONLY))

demo: setup ## a station with a broker and 24 simulated cameras; its board is at http://127.0.0.1:8420
	@bodycam-station serve --demo

fuzz: setup-test ## search for bytes that a reader does not stand; SECONDS=600, TARGET=line for one
	@python -m tools.fuzz --seconds $(or $(SECONDS),60) $(if $(TARGET),--target $(TARGET))

mutants: setup-test ## put small faults into the code and see which tests notice; ROOM=rules, SAMPLE=100
	@python -m tools.mutants $(if $(ROOM),--room $(ROOM)) $(if $(SAMPLE),--sample $(SAMPLE)) --seed $(or $(SEED),1)

lock: setup ## make requirements.lock anew from pyproject.toml; FLAGS=--upgrade for newer versions
	@echo "lock: resolving for Python 3.11 and later"
	@python -m venv build/uv
	@build/uv/bin/pip install -q $(UV)
	@build/uv/bin/uv pip compile -q --universal --python-version 3.11 --all-extras \
	    --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    $(FLAGS) -o requirements.lock pyproject.toml
	@build/uv/bin/uv pip compile -q --universal --python-version 3.11 --no-deps \
	    --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    $(FLAGS) -o tools/bench/requirements.txt tools/bench/requirements.in
	@build/uv/bin/uv pip compile -q --universal --python-version 3.11 --no-deps \
	    --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    $(FLAGS) -o tools/fuzz/requirements.txt tools/fuzz/requirements.in
	@build/uv/bin/uv pip compile -q --universal --python-version 3.11 --extra pi --extra link \
	    --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --no-emit-package gpiozero --no-emit-package colorzero --no-emit-package setuptools \
	    -c requirements.lock -o requirements-device.lock pyproject.toml
	@build/uv/bin/uv pip compile -q --universal --python-version 3.11 --no-deps \
	    --only-binary :all: --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    $(FLAGS) -o requirements-camera.lock tools/camera_chroot/requirements.in

install: ## put the camera's software onto this Raspberry Pi; again after an upgrade (with sudo)
	@tools/install.sh install

uninstall: ## take it off; configuration, keys and recordings stay (with sudo)
	@tools/install.sh uninstall

speech: setup ## make the camera's sounds anew: tone, spoken warnings, what faults say at the dock
	@python tools/make_speech.py

format: setup ## put the code into the house's shape
	@ruff check --fix
	@ruff format

clean: ## remove what these targets made, .venv too
	rm -rf .venv build out tests/oracles/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

setup:
	@tools/setup.sh

setup-test:
	@tools/setup.sh test
